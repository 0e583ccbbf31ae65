import { sql } from 'kysely';
import type { Effect } from '../declare/actions.js';
import { leaverTable } from './leaver-table.js';
import type { LeaverRow } from '../declare/leaver.js';
import type { Sql } from './relation.js';
import type { Db } from '../declare/where.js';
import type { Counting, Statements } from './statements.js';

/**
 * Several counts in one statement, since asking takes longer than counting; by user, in the order of the questions. Those
 * about the same people share them: five hundred people are sent once, and a preview's only leaver is planned for once.
 */
export async function countTogether(db: Db, countings: readonly Counting[]): Promise<Map<string, number>[]> {
  const counts = countings.map(() => new Map<string, number>());
  if (countings.length === 0) return counts;
  const relations = new Map<string, { name: Sql; table: Sql }>();
  const each = countings.map((counting, n) => {
    const { leavers } = counting;
    const who = leavers.map(({ userId, leftAt }) => `${userId} ${leftAt.getTime()}`).join();
    const name = `l${relations.size}`;
    if (!relations.has(who))
      relations.set(who, { name: sql.id(name), table: leaverTable(leavers.map(asCounted), name) });
    return sql`select ${sql.lit(n)} as n, c.* from (${counting.statements.counting(counting, relations.get(who)!.name)}) c`;
  });
  const tables = [...relations.values()].map(({ table }) => table);
  const { rows } = await sql<{ n: number; user_id: string; count: string }>`
    with ${sql.join(tables)} ${sql.join(each, sql` union all `)}`.execute(db);
  for (const { n, user_id, count } of rows) counts[n]!.set(user_id, Number(count));
  return counts;
}

/** What is done to the rows, and who gets them, does not tell which rows they are. */
const asCounted = ({ userId, accountId, wasManager, leftAt }: LeaverRow): LeaverRow => ({
  userId,
  accountId,
  wasManager,
  leftAt,
});

/** Rows per leaver on which the effect has still to happen; for an effect of none, the rows concerned. */
export async function countRows(
  db: Db,
  statements: Statements,
  effect: Effect,
  leavers: readonly LeaverRow[],
): Promise<Map<string, number>> {
  const [counts] = await countTogether(db, [{ statements, effect, leavers }]);
  return counts!;
}
