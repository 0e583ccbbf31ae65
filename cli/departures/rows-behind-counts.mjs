/** @import { AffectedRows, CountedRow, Departure, DeparturePreview } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { CommandError, EXIT } from '../exit-codes.mjs';
import { ruleName } from './rule-name.mjs';

/** Of each line, as many are shown. */
const MOST_ROWS = 1_000;
const PAGE = 200;

/**
 * The rows behind one line.
 * @typedef {object} ListedLine
 * @property {string} rule
 * @property {string} [part]
 * @property {string} transition
 * @property {number} count
 * @property {CountedRow[]} rows
 * @property {boolean} complete whether these are all rows of the line
 * @property {number} [gone]
 * @property {string} [reason]
 */

/** What cannot be listed, by the reason in the answer. */
const REASONS = new Map([
  ['not-applied', 'The service has not applied the rule yet.'],
  ['not-recorded', 'No record is kept of each row.'],
  ['destroyed', 'The departure has deleted the rows.'],
  ['user-returned', 'The user has been reactivated since.'],
  ['user-deleted', 'What was known about single rows is forgotten with the user.'],
]);

/**
 * The rows behind the lines of a rule in a preview.
 * @param {HttpClient} api
 * @param {DeparturePreview} preview
 * @param {string} rule
 */
export const rowsOfPreview = (api, { userId, transition, rules }, rule) =>
  listLines(
    api,
    rules.map((line) => ({ ...line, path: `/v1/users/${userId}/departure-preview/rows` })),
    rule,
    (line) => ({ transition, lineTransition: line.transition }),
  );

/**
 * The rows behind the lines of a rule in a departure.
 * @param {HttpClient} api
 * @param {Departure} departure
 * @param {string} rule
 */
export const rowsOfDeparture = (api, { id, services }, rule) =>
  listLines(
    api,
    services
      .flatMap(({ rules }) => rules)
      .map((line) => ({ ...line, count: line.affected, path: `/v1/departures/${id}/rows` })),
    rule,
    (line) => ({ transition: line.transition }),
  );

/**
 * @template {{ rule: string, part?: string, transition: string, count: number, path: string }} L
 * @param {HttpClient} api
 * @param {L[]} all
 * @param {string} rule
 * @param {(line: L) => Record<string, string>} parameters
 * @returns {Promise<ListedLine[]>}
 */
async function listLines(api, all, rule, parameters) {
  const lines = all.filter((line) => line.rule === rule);
  if (lines.length === 0) throw new CommandError(EXIT.failed, `There is no line of the rule ${rule}.`);
  /** @type {ListedLine[]} */
  const listed = [];
  for (const line of lines) {
    const { part, transition, count, path } = line;
    const query = { rule, ...(part && { part }), ...parameters(line) };
    listed.push({ rule, ...(part && { part }), transition, count, ...(await listRows(api, path, query)) });
  }
  return listed;
}

/**
 * @param {HttpClient} api
 * @param {string} path
 * @param {Record<string, string>} query
 */
async function listRows(api, path, query) {
  /** @type {CountedRow[]} */
  const rows = [];
  let gone = 0;
  /** @type {Partial<AffectedRows> & Pick<AffectedRows, 'items' | 'nextCursor'>} */
  let page = { items: [], nextCursor: null };
  do {
    const parameters = new URLSearchParams({ ...query, limit: String(PAGE) });
    if (page.nextCursor !== null) parameters.set('cursor', page.nextCursor);
    page = await api.get(`${path}?${parameters}`);
    rows.push(...page.items);
    gone += page.gone ?? 0;
  } while (page.nextCursor !== null && rows.length < MOST_ROWS);
  const { reason } = page;
  return { rows, complete: page.nextCursor === null, ...(gone > 0 && { gone }), ...(reason && { reason }) };
}

/**
 * @param {Terminal} terminal
 * @param {ListedLine[]} lines
 */
export function showRows(terminal, lines) {
  for (const { rows, count, complete, gone, reason, ...line } of lines) {
    terminal.line(`${terminal.bold(ruleName(line))}  ${line.transition}: ${count}`);
    if (rows.length > 0)
      terminal.table(
        ['type', 'label', 'now', 'id'],
        rows.map(({ id, type, label, now }) => [type, label ?? '(hidden)', now?.user.name, id]),
      );
    if (!complete) terminal.line(terminal.yellow(`  ! Only the first ${rows.length} rows are shown.`));
    if (gone) terminal.line(`  ${gone} rows no longer exist.`);
    if (reason) terminal.line(`  ${REASONS.get(reason) ?? reason}`);
  }
}
