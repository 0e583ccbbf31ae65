import { sql } from 'kysely';
import type { LeaverRow } from '../declare/leaver.js';
import type { Sql } from './relation.js';

/**
 * The leavers as a relation, named `l` unless otherwise. Of a single one PostgreSQL gets to see the values themselves: it
 * then plans by how many rows this person has, and not by how many somebody has on average.
 */
export function leaverTable(leavers: readonly LeaverRow[], name = 'l'): Sql {
  const relation = sql.id(name);
  const columns = sql`l (user_id, account_id, was_manager, left_at, successor, due, undo_version)`;
  const [one, another] = leavers;
  if (one && !another)
    return sql`${relation} as not materialized (select * from (values (
      ${one.userId}::uuid, ${one.accountId}::uuid, ${one.wasManager}::boolean, ${one.leftAt}::timestamptz,
      ${one.successor ?? null}::uuid, ${one.due ?? null}::timestamptz, ${one.undoVersion ?? null}::bigint)) as ${columns})`;
  return sql`${relation} as materialized (select * from unnest(
    ${leavers.map((l) => l.userId)}::uuid[], ${leavers.map((l) => l.accountId)}::uuid[], ${leavers.map((l) => l.wasManager)}::boolean[],
    ${leavers.map((l) => l.leftAt)}::timestamptz[], ${leavers.map((l) => l.successor ?? null)}::uuid[], ${leavers.map((l) => l.due ?? null)}::timestamptz[],
    ${leavers.map((l) => l.undoVersion ?? null)}::bigint[]
  ) as ${columns})`;
}
