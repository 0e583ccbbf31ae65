/** @import { BulkCounts, BulkDeparture, BulkRow, Departure } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
/** @import { TimeLimits } from '../time-limits.mjs' */
import { readBulkList, sendBulkList } from '../departures/bulk-list.mjs';
import { planBulk, showBulkPlan, startConfirmed } from '../departures/bulk-plan.mjs';
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { colourStatus, describeApproval } from '../departures/departure-views.mjs';
import { tellingIn, transitionIn, unfinishedServices } from '../departures/departures.mjs';
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';
import { inSeconds, StallDetector } from '../time-limits.mjs';

/** Milliseconds. */
const POLL_INTERVAL = 500;

export const bulk = defineCommand({
  usage:
    'bulk <file>|- --transition deactivated|deleted [--tell <text>] [--alternative-number <number>] [--dry-run] [--watch] [--yes]',
  about:
    'deactivate or delete many users; CSV with the columns staffId, successorStaffId (a staff id, manager or team:<name>[:fewest-open]), or JSON with users as in the API; - reads standard input',
  args: 1,
  options: {
    transition: { type: 'string' },
    tell: { type: 'string' },
    'alternative-number': { type: 'string' },
    'dry-run': { type: 'boolean' },
    watch: { type: 'boolean' },
    yes: { type: 'boolean' },
  },
  run: async ({ args, values, limits, out, messages, report }) => {
    const api = await signedInClient(limits);
    const transition = transitionIn(values.transition);
    if (args[0] === '-' && !values.yes && !values['dry-run'])
      throw usageError('The list comes from standard input, so there is no prompt: use --yes.');
    const list = await readBulkList(args[0]);
    const { staffIds } = list;
    const wanted = { transition, list, tellContacts: tellingIn(values) };
    if (values['dry-run']) {
      const plan = await planBulk(api, wanted, limits);
      report(plan, () => showBulkPlan(out, plan));
      return plan.counts.refused > 0 ? EXIT.failed : EXIT.done;
    }
    const { id } = values.yes
      ? await sendBulkList(api, list, wanted)
      : await startConfirmed(api, wanted, { limits, messages });
    const path = `/v1/departures/bulk/${id}`;
    const latest = await untilOver(api, path, { watched: values.watch === true, limits, messages });
    const results = (await allRows(api, path)).map((row) => ({ ...row, staffId: staffIds[row.row - 1] }));
    const { rows: _first, nextCursor: _cursor, ...summary } = latest;
    report({ ...summary, rows: results }, () => show(out, summary, results));
    if (values.watch && latest.status === 'running')
      throw new CommandError(
        EXIT.timedOut,
        `The list made no progress for ${inSeconds(limits.progress)}. ${await unfinished(api, results)}`,
      );
    return results.some(isUnsuccessful) ? EXIT.failed : EXIT.done;
  },
});

/**
 * A row with the staff id from the file, which identifies the user for people.
 * @typedef {BulkRow & { staffId: string | undefined }} NamedRow
 */

/**
 * A sentence that says what the first unfinished row waits for.
 * @param {HttpClient} api
 * @param {NamedRow[]} rows
 */
async function unfinished(api, rows) {
  const row = rows.find(({ status }) => status === 'running' || status === 'waiting');
  if (!row?.departureId) return 'identity has not decided about the waiting rows.';
  /** @type {Departure} */
  const departure = await api.get(`/v1/departures/${row.departureId}`);
  return `${row.staffId ?? `Row ${row.row}`}: ${unfinishedServices(departure)}`;
}

/** @param {BulkRow} row */
const isUnsuccessful = ({ status }) => status === 'refused' || status === 'failed';

/**
 * The bulk departure with its first row. If watched, its state at the end, or after it has made no progress for too long.
 * @param {HttpClient} api
 * @param {string} path
 * @param {{ watched: boolean, limits: TimeLimits, messages: Terminal }} options
 */
async function untilOver(api, path, { watched, limits, messages }) {
  /** @type {() => Promise<BulkDeparture>} */
  const read = () => api.get(`${path}?limit=1`);
  let latest = await read();
  if (!watched) return latest;
  const stall = new StallDetector(limits.progress);
  let shown = '';
  while (latest.status === 'running' && !stall.isStalled(latest.counts)) {
    shown = showProgress(messages, latest.counts, shown);
    await new Promise((wake) => setTimeout(wake, POLL_INTERVAL));
    latest = await read();
  }
  if (messages.isTerminal) messages.overwrite('');
  return latest;
}

/**
 * @param {HttpClient} api
 * @param {string} path
 */
async function allRows(api, path) {
  /** @type {BulkRow[]} */
  const rows = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    /** @type {BulkDeparture} */
    const page = await api.get(`${path}?${new URLSearchParams({ limit: '2000', ...(cursor && { cursor }) })}`);
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor);
  return rows;
}

/**
 * Shows a bar on a terminal, elsewhere a line when something has changed.
 * @param {Terminal} messages
 * @param {BulkCounts} counts
 * @param {string} before what was shown last
 * @returns what is shown now
 */
function showProgress(messages, { total, refused, completed, failed }, before) {
  const done = refused + completed + failed;
  const text = `${done}/${total}`;
  if (messages.isTerminal) messages.overwrite(`  ${messages.bar(done, total)}  ${refused} refused, ${failed} failed`);
  else if (text !== before) messages.line(text);
  return text;
}

/**
 * @param {Terminal} out
 * @param {Omit<BulkDeparture, 'rows' | 'nextCursor'>} bulkDeparture
 * @param {NamedRow[]} rows
 */
function show(out, { id, transition, status, counts, approval }, rows) {
  const { total, accepted, refused, completed, failed } = counts;
  out.line(`${out.bold(`${transition}: ${colourStatus(out, status)}`)}  ${out.dim(id)}`);
  out.line(`  ${total} users: ${accepted} accepted, ${refused} refused, ${completed} completed, ${failed} failed`);
  if (status === 'awaiting-approval' && approval)
    out.line(`  waits for another manager, ${describeApproval(approval)}: leaver approve ${id}`);
  const unsuccessful = rows.filter(isUnsuccessful);
  if (unsuccessful.length > 0)
    out.table(
      ['#row', 'staff id', 'status', 'code', 'reason'],
      unsuccessful.map(({ row, staffId, status: how, code, detail }) => [
        row,
        staffId,
        colourStatus(out, how),
        code,
        detail,
      ]),
    );
}
