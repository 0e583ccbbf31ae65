/** @import { Departure, DeparturePreview, DepartureRule, PreviewRule, User, UserOverview } from '#libs/contracts' */
/** @import { HttpClient } from '../../cli/http-client.mjs' */
/** @import { DepartureStep } from '../../cli/departures/watch-departure.mjs' */
/** @import { Row } from './terminal.mjs' */
import { ruleName } from '../../cli/departures/rule-name.mjs';
import { watchDeparture } from '../../cli/departures/watch-departure.mjs';
import { dataServices } from '../lib/services.mjs';
import { bar, bold, cyan, dim, green, paragraph, print, red, table, yellow } from './terminal.mjs';

/** Milliseconds that a departure may take. */
const MAX_WAIT = 30_000;

/** @typedef {{ rule: string, part?: string }} Line a rule, or a part of one */

/** @param {Line} line */
const serviceOf = ({ rule }) => rule.slice(0, rule.indexOf('.'));
/**
 * The rule without its service, for a table with a heading for each service.
 * @param {Line} line
 */
const shortName = (line) => `  ${ruleName(line).slice(line.rule.indexOf('.') + 1)}`;
/** @param {{ action: string, days?: number }} line */
const actionName = ({ action, days }) => (days === undefined ? action : `${action} ${days} days`);
/** @type {(number: number, noun: string) => string} */
const counted = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/**
 * @template T
 * @param {readonly T[]} lines
 * @param {(line: T) => number} count
 */
const sumOf = (lines, count) => lines.reduce((sum, line) => sum + count(line), 0);

/**
 * @param {User[]} users
 * @param {Record<string, string>} notes by user id, shown beside the name
 */
export function showPeople(users, notes) {
  table(
    [{ title: 'person' }, { title: 'staff id' }, { title: 'roles' }, { title: 'status' }, { title: '' }],
    users.map(({ id, name, staffId, roles, status }) => ({
      cells: [name, staffId ?? '', roles.join(', '), status, notes[id] ?? ''],
      paint: notes[id] ? bold : undefined,
    })),
  );
}

/**
 * A block of rows for each service.
 * @template {Line} T
 * @param {T[]} lines
 * @param {(line: T, isFurtherPart: boolean) => Row} row `isFurtherPart`: the line before is another part of the same rule
 */
function byService(lines, row) {
  return [...Map.groupBy(lines, serviceOf)].flatMap(([heading, ofService]) => [
    { heading },
    ...ofService.map((line, index) => row(line, ofService[index - 1]?.rule === line.rule)),
  ]);
}

/**
 * What is kept, a paragraph for each service.
 * @template {Line} T
 * @param {T[]} lines
 * @param {(line: T) => number} count
 */
function showKept(lines, count) {
  if (lines.length) print();
  for (const [service, ofService] of Map.groupBy(lines, serviceOf)) {
    const rules = [...Map.groupBy(ofService, ({ rule }) => rule.slice(service.length + 1))];
    const each = rules.map(([rule, parts]) => `${rule} ${sumOf(parts, count)}`).join(', ');
    paragraph(each, { before: `  kept  ${service.padEnd(14)}`, paint: dim });
  }
}

/**
 * What a user owns, a row for each service.
 * @param {UserOverview} overview
 */
export function showOverview({ rules }) {
  /** @param {UserOverview['rules']} lines */
  const total = (lines) => sumOf(lines, ({ count }) => count);
  const owned = rules.filter(({ count }) => count > 0);
  const rows = [...Map.groupBy(owned, serviceOf)].map(([service, lines]) => {
    const labels = [...Map.groupBy(lines, ({ label }) => label)];
    const each = labels.map(([label, ofLabel]) => `${label} ${total(ofLabel)}`).join(' · ');
    return { cells: [service, String(total(lines)), each] };
  });
  table([{ title: 'service' }, { title: 'count', right: true }, { title: 'what' }], rows);
}

/**
 * What an admin reads before confirming.
 * @param {DeparturePreview} preview
 * @param {{ brief?: boolean }} [options] `brief` shows kept rows in a few lines
 */
export function showPreview({ possible, blockers, warnings, rules, contactsToTell }, { brief = false } = {}) {
  const active = rules.filter(({ count }) => count > 0);
  /** @param {PreviewRule} line */
  const isBrief = ({ action }) => brief && action === 'keep';
  table(
    [{ title: 'rule' }, { title: 'action' }, { title: 'count', right: true }, { title: 'what' }],
    byService(
      active.filter((line) => !isBrief(line)),
      (line, isFurtherPart) => ({
        cells: [shortName(line), actionName(line), String(line.count), isFurtherPart ? '' : line.label],
        detail: warnings.some(({ detail }) => detail === line.detail) ? undefined : line.detail,
        paint: line.action === 'keep' ? undefined : bold,
      }),
    ),
  );
  showKept(active.filter(isBrief), ({ count }) => count);
  const idle = rules.filter(({ count }) => count === 0).map(ruleName);
  if (idle.length) {
    print();
    paragraph(`Nothing to do for ${[...new Set(idle)].join(', ')}.`, { paint: dim });
  }
  print();
  for (const { rule, detail } of warnings) paragraph(`${rule}: ${detail}`, { before: `  ${yellow('! warning')}  ` });
  for (const { code, detail } of blockers) paragraph(`${code}: ${detail}`, { before: `  ${red('✗ blocker')}  ` });
  const contacts = contactsToTell.map(({ name, phone }) => [name, phone].filter(Boolean).join(' ')).join(', ');
  if (contacts) paragraph(contacts, { before: '  Contacts to tell:  ' });
  if (possible) paragraph('There are no blockers.', { before: `  ${green('✓ possible')} ` });
}

/**
 * Shows the progress of a departure: a line for each service that finishes.
 * @param {HttpClient} api
 * @param {Departure} departure
 * @returns the departure when it is over
 */
export function showProgress(api, departure) {
  const begun = performance.now();
  const { total } = departure.progress;
  const done = new Set();
  /** @type {Map<string, number>} */
  const rows = new Map();
  /** @param {DepartureStep} step */
  const show = ({ type, data }) => {
    const elapsed = dim(`${(performance.now() - begun).toFixed(0).padStart(6)} ms`);
    if (type === 'rule') rows.set(data.service, (rows.get(data.service) ?? 0) + data.affected);
    if (type === 'service' && data.status !== 'running') {
      if (data.status === 'completed') done.add(data.service);
      const outcome = data.error ? red(`${data.status}: ${data.error}`) : data.status;
      const what = `${data.service.padEnd(13)} ${outcome}, ${counted(rows.get(data.service) ?? 0, 'row')}`;
      print(`${elapsed}  ${bar(done.size, total)}  ${done.size}/${total}  ${what}`);
    }
    if (type === 'departure' && data.status !== 'running') print(`${elapsed}  the departure is ${bold(data.status)}`);
  };
  return watchDeparture(api, departure, show, AbortSignal.timeout(MAX_WAIT));
}

/**
 * What every service did; kept rows in a few lines.
 * @param {Departure} departure
 * @param {(userId: string) => string} nameOf
 */
export function showReceipts({ services }, nameOf) {
  const inOrder = services.toSorted((a, b) => dataServices.indexOf(a.service) - dataServices.indexOf(b.service));
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

/**
 * @param {DepartureRule} line
 * @param {(userId: string) => string} nameOf
 */
function consequence({ transferredTo = [], dueAt, warning }, nameOf) {
  const receivers = typeof transferredTo === 'string' ? [transferredTo] : transferredTo.map(({ userId }) => userId);
  const parts = [
    receivers.length > 0 && `to ${receivers.map(nameOf).join(', ')}`,
    dueAt && `due ${dueAt.slice(0, 10)}`,
    warning,
  ];
  return cyan(parts.filter(Boolean).join(', '));
}

/**
 * Where the receipts differ from the preview, a text for each difference; and how many counts were compared.
 * @param {DeparturePreview} preview
 * @param {Departure} departure
 */
export function compareCounts(preview, { services }) {
  /** @param {Line & { transition: string }} line */
  const key = (line) => `${ruleName(line)}, ${line.transition}`;
  const previewed = new Map(preview.rules.map((line) => [key(line), line.count]));
  const done = new Map(services.flatMap(({ rules }) => rules).map((line) => [key(line), line.affected]));
  const keys = new Set([...previewed.keys(), ...done.keys()]);
  const differences = [...keys]
    .map((name) => ({ name, before: previewed.get(name) ?? 0, after: done.get(name) ?? 0 }))
    .filter(({ before, after }) => before !== after)
    .map(({ name, before, after }) => `${name}: preview ${before}, receipt ${after}`);
  return { compared: [...done.values()].filter((affected) => affected > 0).length, differences };
}
