import { sql } from 'kysely';
import type { Effect } from './actions.js';
import { leaverTable, type LeaverRow } from './leaver-table.js';
import type { Sql } from './relation.js';
import type { Db } from './rule.js';
import type { Statements } from './statements.js';

/** Of which rows, and of whom. */
export interface Counting {
  statements: Statements;
  effect: Effect;
  leavers: readonly LeaverRow[];
  /** Where the count may end. */
  atMost?: number;
}

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
