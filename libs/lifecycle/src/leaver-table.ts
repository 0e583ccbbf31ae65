import { sql } from 'kysely';
import type { Sql } from './relation.js';

/** One person whose rows are worked on, as SQL sees it: the relation `l`. */
export interface LeaverRow {
  userId: string;
  accountId: string;
  wasManager: boolean;
  /** The decision that is carried out; unknown to what is done later. */
  lifecycleVersion?: number;
  /** When it was decided. Rows of the account that came later are none of this departure's business. */
  leftAt: Date;
  successor?: string | null;
  due?: Date | null;
  /** The lifecycle version under which changed rows are noted for an undo; null where nobody can want one. */
  undoVersion?: number | null;
}

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
