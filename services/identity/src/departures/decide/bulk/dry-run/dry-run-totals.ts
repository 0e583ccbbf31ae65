import { offeredOn, type DryRunTotal, type PlanChange, type PlannedAction, type PreviewLine } from '#libs/contracts';
import { createHash } from 'node:crypto';
import type { Plan } from '../../../plan/planner.js';
import { keysOf } from '../../../plan/token/choices.js';
import type { ReadBulk } from '../bulk-requests.js';
import type { ListedRow } from '../bulk-rows.js';

/** The lines of one user. Lines of rules that the catalogue does not have are left out. */
export const totalsOf = ({ catalogue }: Plan, lines: readonly PreviewLine[]): DryRunTotal[] =>
  lines.flatMap(({ rule, part, transition, action, days, scope, count }): DryRunTotal[] => {
    const described = catalogue.find(({ id }) => id === rule);
    if (!described || count === 0) return [];
    return [
      {
        rule,
        ...(part !== undefined && { part }),
        transition,
        action,
        ...(days !== undefined && { days }),
        ...(scope !== undefined && { scope }),
        destroys: offeredOn(described, transition)?.destroys?.includes(action) === true,
        count,
      },
    ];
  });

/** The sums by rule and action, in the order in which the rules come first. */
export function sumOf(totals: Iterable<DryRunTotal>): DryRunTotal[] {
  const sums = new Map<string, DryRunTotal>();
  for (const total of totals) {
    const sum = sums.get(keyOf(total));
    if (sum) sum.count += total.count;
    else sums.set(keyOf(total), { ...total });
  }
  return [...sums.values()];
}

/** Rows that an action changes. */
export const changedRows = (totals: readonly DryRunTotal[]): number =>
  totals.reduce((sum, { action, count }) => (action === 'keep' || action === 'block' ? sum : sum + count), 0);

export function changesBetweenTotals(before: readonly DryRunTotal[], now: readonly DryRunTotal[]): PlanChange[] {
  const [was, is] = [before, now].map((totals) => new Map(totals.map((total) => [keyOf(total), total])));
  return [...new Set([...is!.keys(), ...was!.keys()])].flatMap((key): PlanChange[] => {
    const [earlier, later] = [was!.get(key), is!.get(key)];
    if (earlier?.count === later?.count) return [];
    const { rule, part, transition } = (later ?? earlier)!;
    const line = { rule, ...(part !== undefined && { part }), transition };
    return [{ ...line, before: plannedIn(earlier), after: plannedIn(later) }];
  });
}

/** What a plan token of a list binds of a row: the facts of the plan, the result, and what is destroyed. */
export const digestOf = (row: { facts: string; codes: readonly string[]; totals: readonly DryRunTotal[] }): string => {
  const destroyed = row.totals.filter(({ destroys }) => destroys).map((total) => `${keyOf(total)} ${total.count}`);
  return sha256([row.facts, row.codes, destroyed.sort()]);
};

/** What a plan token binds of the list itself. */
export const listDigestOf = (
  { transition, effectiveAt, successors, overrides, tellContacts }: ReadBulk,
  rows: readonly ListedRow[],
): string =>
  sha256([
    keysOf({ userId: '', transition, successors, overrides, effectiveAt, tellContacts }),
    rows.map(({ userId, successors: own, fault }) => [
      keysOf({ userId: userId ?? '', transition, successors: own }),
      fault?.code ?? '',
    ]),
  ]);

const plannedIn = (total: DryRunTotal | undefined): PlannedAction | null => {
  if (!total) return null;
  const { action, days, scope, count } = total;
  return { action, ...(days !== undefined && { days }), ...(scope !== undefined && { scope }), count };
};

const keyOf = ({ rule, part, transition, action, days, scope }: DryRunTotal): string =>
  JSON.stringify([rule, part, transition, action, days, scope]);

const sha256 = (facts: unknown): string => createHash('sha256').update(JSON.stringify(facts)).digest('base64url');
