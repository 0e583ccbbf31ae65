import type { HoldingsAnswer, HoldingsRequest } from '#libs/contracts';
import type { LeaverRow } from '../declare/leaver.js';
import type { Rule } from '../declare/rule.js';
import type { Db } from '../declare/where.js';
import type { RuleSet } from '../run/rule-set.js';
import { countTogether } from '../sql/counting.js';

/**
 * Counts the rows that users hold, in one statement. Rules that only keep are left out: what they are about, such as who wrote a
 * note, stays with the user for ever.
 */
export async function holdings(
  db: Db,
  rules: RuleSet,
  { accountId, userIds }: HoldingsRequest,
  now: Date,
): Promise<HoldingsAnswer> {
  const leavers = userIds.map((userId): LeaverRow => ({ userId, accountId, wasManager: false, leftAt: now }));
  const parts = rules.parts.filter(({ rule }) => canTakeAway(rule));
  const counts = await countTogether(
    db,
    parts.map(({ statements }) => ({ statements, effect: { kind: 'none' }, leavers })),
  );
  const rows = new Map<string, number>();
  for (const byUser of counts) for (const [userId, count] of byUser) rows.set(userId, (rows.get(userId) ?? 0) + count);
  return { held: [...rows].flatMap(([userId, count]) => (count > 0 ? [{ userId, rows: count }] : [])) };
}

const canTakeAway = ({ choices: { deactivated, deleted } }: Rule): boolean =>
  [deactivated, deleted].some((choice) => choice?.actions.some(({ name }) => name !== 'keep'));
