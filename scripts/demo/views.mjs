/** @import { DepartureStep } from '../../cli/watch-departure.mjs' */
import { bar, bold, cyan, dim, green, paragraph, print, red, table, yellow } from './terminal.mjs';
import { watchDeparture } from '../../cli/watch-departure.mjs';
import { dataServices } from '../lib/services.mjs';

/** Milliseconds that a departure may take. */
const MAX_WAIT = 30_000;

const ruleName = ({ rule, part }) => (part ? `${rule} (${part})` : rule);
/** Below its service's name the rule needs no service before its own. */
const shortName = (line) => `  ${ruleName(line).slice(line.rule.indexOf('.') + 1)}`;
const serviceOf = ({ rule }) => rule.slice(0, rule.indexOf('.'));
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

/** A block of rows for each service. @param row gets a line, and whether it is another part of the rule before */
function byService(lines, row) {
  return [...Map.groupBy(lines, serviceOf)].flatMap(([heading, ofOne]) => [
    { heading },
    ...ofOne.map((line, index) => row(line, ofOne[index - 1]?.rule === line.rule)),
  ]);
}

const sumOf = (lines, count) => lines.reduce((sum, line) => sum + count(line), 0);

/** What stays as it is, a paragraph for each service. */
function showKept(lines, count) {
  if (lines.length) print();
  for (const [service, ofOne] of Map.groupBy(lines, serviceOf)) {
    const rules = [...Map.groupBy(ofOne, ({ rule }) => rule.slice(service.length + 1))];
    const each = rules.map(([rule, parts]) => `${rule} ${sumOf(parts, count)}`).join(', ');
    paragraph(each, { before: `  kept  ${service.padEnd(14)}`, paint: dim });
  }
}

/** What somebody owns, a paragraph for each service. */
export function showOverview({ rules }) {
  const total = (lines) => sumOf(lines, ({ count }) => count);
  const told = (lines) =>
    [...Map.groupBy(lines, ({ label }) => label)].map(([label, ofOne]) => `${label} ${total(ofOne)}`).join(' · ');
  table(
    [{ title: 'service' }, { title: 'count', right: true }, { title: 'what' }],
    [
      ...Map.groupBy(
        rules.filter(({ count }) => count > 0),
        serviceOf,
      ),
    ].map(([service, lines]) => ({ cells: [service, String(total(lines)), told(lines)] })),
  );
}

/** What a person reads before confirming. @param brief tells in a few lines only what is kept */
export function showPreview({ possible, blockers, warnings, rules, contactsToTell }, { brief = false } = {}) {
  const active = rules.filter(({ count }) => count > 0);
  const isAside = ({ action }) => brief && action === 'keep';
  table(
    [{ title: 'rule' }, { title: 'action' }, { title: 'count', right: true }, { title: 'what' }],
    byService(
      active.filter((line) => !isAside(line)),
      (line, isPart) => ({
        cells: [shortName(line), actionName(line), String(line.count), isPart ? '' : line.label],
        detail: warnings.some(({ detail }) => detail === line.detail) ? undefined : line.detail,
        paint: line.action === 'keep' ? undefined : bold,
      }),
    ),
  );
  showKept(active.filter(isAside), ({ count }) => count);
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
export function showProgress(api, departure) {
  const begun = performance.now();
  const { total } = departure.progress;
  const done = new Set();
  const rows = {};
  /** @param {DepartureStep} step */
  const show = ({ type, data }) => {
    const elapsed = performance.now() - begun;
    const at = dim(`${elapsed.toFixed(0).padStart(6)} ms`);
    if (type === 'rule') rows[data.service] = (rows[data.service] ?? 0) + data.affected;
    if (type === 'service' && data.status !== 'running') {
      if (data.status === 'completed') done.add(data.service);
      const outcome = data.error ? red(`${data.status}: ${data.error}`) : data.status;
      const what = `${data.service.padEnd(13)} ${outcome}, ${counted(rows[data.service] ?? 0, 'row')}`;
      print(`${at}  ${bar(done.size, total)}  ${done.size}/${total}  ${what}`);
    }
    if (type === 'departure' && data.status !== 'running') print(`${at}  the departure is ${bold(data.status)}`);
  };
  return watchDeparture(api, departure, show, AbortSignal.timeout(MAX_WAIT));
}

/** What every service did, and in a few lines what it kept. @param nameOf by user id, for who took over */
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
    byService(
      done.filter(({ action }) => action !== 'keep'),
      (line) => ({
        cells: [
          shortName(line),
          line.action,
          String(line.affected),
          String(line.remaining ?? '?'),
          consequence(line, nameOf),
        ],
      }),
    ),
  );
  showKept(
    done.filter(({ action }) => action === 'keep'),
    ({ affected }) => affected,
  );
  print();
  const rows = sumOf(done, ({ affected }) => affected);
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
