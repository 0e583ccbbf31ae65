/** @import { BulkCounts, BulkDeparture, BulkRow, StartedBulk, Transition } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal.mjs' */
import { readFile } from 'node:fs/promises';
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { colourStatus } from '../departure-views.mjs';
import { transitionIn } from '../departures.mjs';
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';
import { ask } from '../prompt.mjs';

/** Milliseconds. */
const POLL_INTERVAL = 500;

export const bulk = defineCommand({
  usage: 'bulk <file.csv> --transition deactivated|deleted [--watch] [--yes]',
  about: 'deactivate or delete many users; columns staffId, successorStaffId',
  args: 1,
  options: { transition: { type: 'string' }, watch: { type: 'boolean' }, yes: { type: 'boolean' } },
  run: async ({ args, values, out, messages, report }) => {
    const api = await signedInClient();
    const transition = transitionIn(values.transition);
    const csv = await readFile(args[0], 'utf8').catch((error) => {
      throw usageError(error.message);
    });
    const rows = csv.trim().split(/\r?\n/).length - 1;
    if (rows < 1) throw usageError(`${args[0]} has no rows below its heading.`);
    if (!values.yes) await confirm(rows, transition);
    /** @type {StartedBulk} */
    const { id } = await api.upload(`/v1/departures/bulk?transition=${transition}`, csv);
    const path = `/v1/departures/bulk/${id}`;
    const latest = await untilOver(api, path, values.watch === true, messages);
    const results = await allRows(api, path);
    const { rows: _first, nextCursor: _cursor, ...summary } = latest;
    report({ ...summary, rows: results }, () => show(out, summary, results));
    return results.some(isUnsuccessful) ? EXIT.failed : EXIT.done;
  },
});

/** @param {BulkRow} row */
const isUnsuccessful = ({ status }) => status === 'refused' || status === 'failed';

/**
 * @param {number} count
 * @param {Transition} transition
 */
async function confirm(count, transition) {
  if (!process.stdin.isTTY) throw usageError('There is no terminal to confirm on: use --yes.');
  const answer = await ask(`${count} users will be ${transition}. Type ${count} to continue: `);
  if (answer !== String(count)) throw new CommandError(EXIT.failed, 'Nothing has been changed.');
}

/**
 * The bulk departure with its first row; when watched, as it is in the end.
 * @param {HttpClient} api
 * @param {string} path
 * @param {boolean} watched
 * @param {Terminal} messages
 */
async function untilOver(api, path, watched, messages) {
  /** @type {() => Promise<BulkDeparture>} */
  const read = () => api.get(`${path}?limit=1`);
  let latest = await read();
  if (!watched) return latest;
  while (latest.status === 'running') {
    showProgress(messages, latest.counts);
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
 * @param {Terminal} messages
 * @param {BulkCounts} counts
 */
function showProgress(messages, { total, refused, completed, failed }) {
  const done = refused + completed + failed;
  if (messages.isTerminal) messages.overwrite(`  ${messages.bar(done, total)}  ${refused} refused, ${failed} failed`);
  else messages.line(`${done}/${total}`);
}

/**
 * @param {Terminal} out
 * @param {Omit<BulkDeparture, 'rows' | 'nextCursor'>} bulkDeparture
 * @param {BulkRow[]} rows
 */
function show(out, { id, transition, status, counts }, rows) {
  const { total, accepted, refused, completed, failed } = counts;
  out.line(`${out.bold(`${transition}: ${colourStatus(out, status)}`)}  ${out.dim(id)}`);
  out.line(`  ${total} users: ${accepted} accepted, ${refused} refused, ${completed} completed, ${failed} failed`);
  const unsuccessful = rows.filter(isUnsuccessful);
  if (unsuccessful.length > 0)
    out.table(
      ['#row', 'status', 'code', 'reason'],
      unsuccessful.map(({ row, status: how, code, detail }) => [row, colourStatus(out, how), code, detail]),
    );
}
