import { sql } from 'kysely';
import type { Effect } from '../declare/actions.js';
import { leaverTable } from './leaver-table.js';
import type { LeaverRow } from '../declare/leaver.js';
import type { Sql } from './relation.js';
import type { Db } from '../declare/where.js';
import type { Counted, Statements } from './statements.js';

/** Which rows to count, and for which leavers. */
export interface Counting extends Counted {
  statements: Statements;
  leavers: readonly LeaverRow[];
}

/**
 * Runs several counts in one statement, because a round trip takes longer than a count. Counts for the same leavers share
 * one relation, so 500 leavers are sent once, and a preview's single leaver is planned once.
 * @returns one map per counting, in the same order: the row count by user id
 */
export async function countTogether(db: Db, countings: readonly Counting[]): Promise<Map<string, number>[]> {
  const counts = countings.map(() => new Map<string, number>());
  if (countings.length === 0) return counts;
  const relations = new Map<string, { name: Sql; table: Sql }>();
  const keys = new Map(
    [...new Set(countings.map(({ leavers }) => leavers))].map((leavers) => [leavers, keyOf(leavers)]),
  );
  const each = countings.map((counting, n) => {
    const { leavers } = counting;
    const key = keys.get(leavers)!;
    const name = `l${relations.size}`;
    if (!relations.has(key))
      relations.set(key, { name: sql.id(name), table: leaverTable(leavers.map(asCounted), name) });
    return sql`select ${sql.lit(n)} as n, c.* from (${counting.statements.counting(counting, relations.get(key)!.name)}) c`;
  });
  const tables = [...relations.values()].map(({ table }) => table);
  const { rows } = await sql<{ n: number; user_id: string; count: string }>`
    with ${sql.join(tables)} ${sql.join(each, sql` union all `)}`.execute(db);
  for (const { n, user_id, count } of rows) counts[n]!.set(user_id, Number(count));
  return counts;
}

const keyOf = (leavers: readonly LeaverRow[]): string =>
  leavers.map(({ userId, leftAt }) => `${userId} ${leftAt.getTime()}`).join();

/** Keeps only the columns that select rows; successor, due date and undo version do not. */
const asCounted = ({ userId, accountId, wasManager, leftAt }: LeaverRow): LeaverRow => ({
  userId,
  accountId,
  wasManager,
  leftAt,
});

/** Returns per leaver how many rows the effect has not changed yet; for the effect `none`, how many rows match. */
export async function countRows(
  db: Db,
  statements: Statements,
  effect: Effect,
  leavers: readonly LeaverRow[],
  options: Pick<Counting, 'onlyGrantedBefore' | 'atMost'> = {},
): Promise<Map<string, number>> {
  const [counts] = await countTogether(db, [{ statements, effect, leavers, ...options }]);
  return counts!;
}
