/** @import { BulkDeparture, DryRunItem, DryRunTotal, LeavingTransition, StartedBulk, TellContacts } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
/** @import { TimeLimits } from '../time-limits.mjs' */
/** @import { BulkList } from './bulk-list.mjs' */
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';
import { ask } from '../terminal/prompt.mjs';
import { inSeconds, StallDetector } from '../time-limits.mjs';
import { sendBulkList } from './bulk-list.mjs';
import { staleChanges } from './confirmed-plan.mjs';
import { describeChanges } from './plan-changes.mjs';
import { ruleName } from './rule-name.mjs';

/** Milliseconds. */
const POLL_INTERVAL = 500;
/** The most refused rows that are shown before a confirmation. */
const SHOWN = 50;

/**
 * A list of people who are to leave.
 * @typedef {object} Wanted
 * @property {LeavingTransition} transition
 * @property {BulkList} list
 * @property {TellContacts} [tellContacts]
 */

/**
 * What would happen to each row, with its staff id from the file.
 * @typedef {Omit<BulkDeparture, 'rows' | 'nextCursor' | 'items' | 'totals'> & { totals: DryRunTotal[],
 *   items: (DryRunItem & { staffId: string | undefined })[] }} BulkPlan
 */

/**
 * Makes a dry run and waits for its result.
 * @param {HttpClient} api
 * @param {Wanted} wanted
 * @param {TimeLimits} limits
 * @returns {Promise<BulkPlan>}
 */
export async function planBulk(api, { list, ...wanted }, limits) {
  const { id } = await sendBulkList(api, list, { ...wanted, dryRun: true });
  const path = `/v1/departures/bulk/${id}`;
  const latest = await untilCounted(api, path, limits);
  const items = (await allItems(api, path)).map((item) => ({ ...item, staffId: list.staffIds[item.row - 1] }));
  const { rows: _rows, nextCursor: _cursor, totals = [], ...summary } = latest;
  return { ...summary, totals, items };
}

/**
 * Shows what would happen, asks for confirmation and carries out exactly that. If something has changed meanwhile, shows what,
 * and asks again.
 * @param {HttpClient} api
 * @param {Wanted} wanted
 * @param {{ limits: TimeLimits, messages: Terminal, answer?: (question: string) => Promise<string> }} options
 * @returns {Promise<StartedBulk>}
 */
export async function startConfirmed(api, wanted, { limits, messages, answer = ask }) {
  if (!process.stdin.isTTY && answer === ask) throw usageError('There is no terminal for the confirmation: use --yes.');
  const { list, ...chosen } = wanted;
  const { transition } = chosen;
  for (;;) {
    const plan = await planBulk(api, wanted, limits);
    const { accepted } = plan.counts;
    showBulkPlan(messages, plan, SHOWN);
    if (accepted === 0)
      throw new CommandError(EXIT.failed, 'None of these users can leave now. Nothing has been changed.');
    if ((await answer(`${accepted} users will be ${transition}. Type ${accepted} to continue: `)) !== String(accepted))
      throw new CommandError(EXIT.failed, 'Nothing has been changed.');
    try {
      return await sendBulkList(api, list, { ...chosen, planToken: plan.planToken });
    } catch (error) {
      const changes = staleChanges(error);
      if (!changes) throw error;
      messages.line(messages.yellow('Something has changed since this plan was shown:'));
      for (const line of describeChanges(changes)) messages.line(`  ${line}`);
    }
  }
}

/**
 * @param {Terminal} terminal
 * @param {BulkPlan} plan
 * @param {number} [most] refused rows to show
 */
export function showBulkPlan(terminal, { transition, counts, totals, items }, most = Infinity) {
  terminal.line(terminal.bold(`If these users are ${transition}`));
  const changing = totals.filter(({ action }) => action !== 'keep');
  if (changing.length > 0)
    terminal.table(
      ['rule', 'step', 'action', '#count'],
      changing.map((total) => [
        ruleName(total),
        total.transition,
        total.days === undefined ? total.action : `${total.action} (${total.days} days)`,
        total.count,
      ]),
    );
  const kept = totals.filter(({ action }) => action === 'keep').reduce((sum, { count }) => sum + count, 0);
  terminal.line(`  ${changing.length === 0 ? 'Nothing changes; ' : ''}${kept} rows are kept as they are.`);
  terminal.line(`  ${counts.total} users: ${counts.accepted} can leave, ${counts.refused} refused`);
  const refused = items.filter(({ possible }) => !possible);
  if (refused.length > 0)
    terminal.table(
      ['#row', 'staff id', 'code', 'reason'],
      refused.slice(0, most).map(({ row, staffId, blockers: [first] }) => [row, staffId, first?.code, first?.detail]),
    );
  if (refused.length > most) terminal.line(`  … and ${refused.length - most} more: --dry-run shows all of them.`);
}

/**
 * @param {HttpClient} api
 * @param {string} path
 * @param {TimeLimits} limits
 */
async function untilCounted(api, path, limits) {
  const stall = new StallDetector(limits.progress);
  for (;;) {
    /** @type {BulkDeparture} */
    const latest = await api.get(`${path}?limit=1`);
    if (latest.status === 'completed') return latest;
    if (stall.isStalled(latest.counts))
      throw new CommandError(EXIT.timedOut, `The dry run made no progress for ${inSeconds(limits.progress)}.`);
    await new Promise((wake) => setTimeout(wake, POLL_INTERVAL));
  }
}

/**
 * @param {HttpClient} api
 * @param {string} path
 */
async function allItems(api, path) {
  /** @type {DryRunItem[]} */
  const items = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    /** @type {BulkDeparture} */
    const page = await api.get(`${path}?${new URLSearchParams({ limit: '2000', ...(cursor && { cursor }) })}`);
    items.push(...(page.items ?? []));
    cursor = page.nextCursor;
  } while (cursor);
  return items;
}
