import { bar, bold, cyan, dim, green, paragraph, print, red, table, yellow } from './demo-terminal.mjs';
import { watch } from './demo-watch.mjs';
import { dataServices } from './services.mjs';

const ruleName = ({ rule, part }) => (part ? `${rule} (${part})` : rule);
const actionName = ({ action, days }) => (days === undefined ? action : `${action} ${days} days`);
const position = ({ service }) => dataServices.indexOf(service);
const counted = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** @param note by user id, what to say beside a name */
export function showPeople(users, note) {
  table(
    [{ title: 'person' }, { title: 'staff id' }, { title: 'roles' }, { title: 'status' }, { title: '' }],
    users.map((user) => ({
      cells: [user.name, user.staffId ?? '', user.roles.join(', '), user.status, note[user.id] ?? ''],
      paint: note[user.id] ? bold : undefined,
    })),
  );
}

/** What somebody owns, the empty rules left out. */
export function showOverview({ rules }) {
  table(
    [{ title: 'service' }, { title: 'count', right: true }, { title: 'what' }],
    rules
      .filter(({ count }) => count > 0)
      .map(({ service, part, label, count }) => ({
        cells: [service, String(count), part ? `${label}: ${part}` : label],
      })),
  );
}

/** What a person reads before confirming. */
export function showPreview({ possible, blockers, warnings, rules, contactsToTell }) {
  table(
    [{ title: 'rule' }, { title: 'action' }, { title: 'count', right: true }, { title: 'what' }],
    rules
      .filter(({ count }) => count > 0)
      .map((line) => ({
        cells: [ruleName(line), actionName(line), String(line.count), line.label],
        detail: warnings.some(({ detail }) => detail === line.detail) ? undefined : line.detail,
        paint: line.action === 'keep' ? undefined : bold,
      })),
  );
  const idle = rules.filter(({ count }) => count === 0).map(ruleName);
  if (idle.length) {
    print();
    paragraph(`Nothing to do for ${[...new Set(idle)].join(', ')}.`, { paint: dim });
  }
  print();
  for (const { rule, detail } of warnings) paragraph(`${rule}: ${detail}`, { before: `  ${yellow('! warning')}  ` });
  for (const { code, detail } of blockers) paragraph(`${code}: ${detail}`, { before: `  ${red('✗ blocker')}  ` });
  const toTell = contactsToTell.map(({ name, phone }) => [name, phone].filter(Boolean).join(' ')).join(', ');
  if (toTell) paragraph(toTell, { before: '  Contacts to tell:  ' });
  if (possible) paragraph('Nothing stands in the way.', { before: `  ${green('✓ possible')} ` });
}

/**
 * Shows a departure while it happens: a line for each service as it gets through.
 * @returns the departure when it is over
 */
export async function showProgress(api, departure) {
  const { total } = departure.progress;
  const done = new Set();
  const rows = {};
  return watch(api, departure, ({ type, data, elapsed }) => {
    const at = dim(`${elapsed.toFixed(0).padStart(6)} ms`);
    if (type === 'rule') rows[data.service] = (rows[data.service] ?? 0) + data.affected;
    if (type === 'service' && data.status !== 'running') {
      if (data.status === 'completed') done.add(data.service);
      const outcome = data.error ? red(`${data.status}: ${data.error}`) : data.status;
      const what = `${data.service.padEnd(13)} ${outcome}, ${counted(rows[data.service] ?? 0, 'row')}`;
      print(`${at}  ${bar(done.size, total)}  ${done.size}/${total}  ${what}`);
    }
    if (type === 'departure' && data.status !== 'running') print(`${at}  the departure is ${bold(data.status)}`);
  });
}

/** What every service did. @param nameOf by user id, for who took over */
export function showReceipts({ services }, nameOf) {
  const inOrder = services.toSorted((a, b) => position(a) - position(b));
  const lines = inOrder.flatMap(({ rules }) => rules);
  const done = lines.filter(({ affected }) => affected > 0);
  table(
    [
      { title: 'rule' },
      { title: 'action' },
      { title: 'affected', right: true },
      { title: 'remaining', right: true },
      { title: '' },
    ],
    done.map((line) => ({
      cells: [
        ruleName(line),
        line.action,
        String(line.affected),
        String(line.remaining ?? '?'),
        consequence(line, nameOf),
      ],
      paint: line.action === 'keep' ? undefined : bold,
    })),
  );
  print();
  const rows = done.reduce((sum, { affected }) => sum + affected, 0);
  const idle = lines.length - done.length;
  paragraph(`${counted(rows, 'row')} by ${counted(done.length, 'rule')}; ${counted(idle, 'rule')} found nothing.`, {
    paint: dim,
  });
}

function consequence({ transferredTo, dueAt, warning }, nameOf) {
  const parts = [transferredTo && `to ${nameOf(transferredTo)}`, dueAt && `due ${dueAt.slice(0, 10)}`, warning];
  return cyan(parts.filter(Boolean).join(', '));
}

/** Both as `{ [rule and transition]: rows }`, the empty lines left out: what was foretold, and what has been done. */
export function comparison(preview, { services }) {
  const key = (line) => `${ruleName(line)}, ${line.transition}`;
  const sorted = (lines, count) =>
    Object.fromEntries(
      lines
        .filter((line) => count(line) > 0)
        .map((line) => [key(line), count(line)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return {
    foretold: sorted(preview.rules, ({ count }) => count),
    done: sorted(
      services.flatMap(({ rules }) => rules),
      ({ affected }) => affected,
    ),
  };
}
