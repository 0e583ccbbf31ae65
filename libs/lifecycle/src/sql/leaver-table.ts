import { sql } from 'kysely';
import type { LeaverRow } from '../declare/leaver.js';
import type { Sql } from './relation.js';

/**
 * The leavers as a CTE, named `l` by default. For a single leaver PostgreSQL sees the values themselves, so it plans with
 * the number of rows that this user has instead of the average.
 */
export function leaverTable(leavers: readonly LeaverRow[], name = 'l'): Sql {
  const relation = sql.id(name);
  const columns = sql`l (user_id, account_id, was_manager, left_at, successor, due, undo_version)`;
  const [one, second] = leavers;
  if (one && !second)
    return sql`${relation} as not materialized (select * from (values (
      ${one.userId}::uuid, ${one.accountId}::uuid, ${one.wasManager}::boolean, ${one.leftAt}::timestamptz,
      ${one.successor ?? null}::uuid, ${one.due ?? null}::timestamptz, ${one.undoVersion ?? null}::bigint)) as ${columns})`;
  return sql`${relation} as materialized (select * from unnest(
    ${leavers.map((l) => l.userId)}::uuid[], ${leavers.map((l) => l.accountId)}::uuid[], ${leavers.map((l) => l.wasManager)}::boolean[],
    ${leavers.map((l) => l.leftAt)}::timestamptz[], ${leavers.map((l) => l.successor ?? null)}::uuid[], ${leavers.map((l) => l.due ?? null)}::timestamptz[],
    ${leavers.map((l) => l.undoVersion ?? null)}::bigint[]
  ) as ${columns})`;
}
