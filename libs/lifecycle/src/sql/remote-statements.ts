import { sql } from 'kysely';
import type { LeaverRow } from '../declare/leaver.js';
import type { RemoteEffect } from '../declare/side-effects.js';
import type { Db } from '../declare/where.js';
import type { Sql } from './relation.js';
import type { Origin } from './undo-statements.js';

/** Largest number of items in one request to the other service. */
const MOST_ITEMS = 500;

/**
 * Records what the other service has to do for these rows, which the caller has locked. A worker sends it. An item of several
 * rows goes to one of their receivers.
 * @param rows the leaver by row id, with the successor of the row
 */
export async function recordRemoteEffects(
  db: Db,
  { table, remote, origin }: { table: Sql; remote: RemoteEffect; origin: Origin },
  rows: readonly (readonly [id: string, leaver: LeaverRow])[],
): Promise<void> {
  const { rule, transition } = origin;
  const leavers = [...new Map(rows.map(([, leaver]) => [leaver.userId, leaver])).values()];
  const people = leavers.map(({ userId, accountId, lifecycleVersion, leftAt, undoVersion }) => ({
    ...{ user_id: userId, account_id: accountId, lifecycle_version: lifecycleVersion, decided_at: leftAt },
    undoable: typeof undoVersion === 'number',
  }));
  const successors = rows.map(([, { successor }]) => successor ?? null);
  await sql`
    insert into remote_effect (account_id, user_id, lifecycle_version, rule, part, transition, successor, decided_at, undoable,
      item_ids, expected)
    select l.account_id, l.user_id, l.lifecycle_version, ${rule}, ${remote.part}, ${transition}, c.successor, l.decided_at, l.undoable,
      array_agg(c.item order by c.item), count(*)
    from jsonb_to_recordset(${JSON.stringify(people)}::jsonb) as l (account_id uuid, user_id uuid, lifecycle_version bigint,
      decided_at timestamptz, undoable boolean)
    join (
      select user_id, item, successor, (row_number() over (partition by user_id, successor order by item) - 1) / ${MOST_ITEMS} as chunk
      from (select distinct on (h.user_id, i.id) h.user_id, i.id as item, h.successor
        from unnest(${rows.map(([id]) => id)}::uuid[], ${rows.map(([, leaver]) => leaver.userId)}::uuid[], ${successors}::uuid[])
          as h (row_id, user_id, successor)
        join ${table} t on t.id = h.row_id cross join lateral (${remote.items}) i (id)
        order by h.user_id, i.id, h.row_id) own) c on c.user_id = l.user_id
    group by l.account_id, l.user_id, l.lifecycle_version, c.successor, l.decided_at, l.undoable, c.chunk
    order by l.user_id, c.successor, c.chunk`.execute(db);
}
