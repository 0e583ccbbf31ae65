import { sql } from 'kysely';
import type { LeaverRow } from '../declare/leaver.js';
import type { RemoteEffect } from '../declare/side-effects.js';
import type { Db } from '../declare/where.js';
import type { Sql } from './relation.js';
import type { Origin } from './undo-statements.js';

/** Largest number of items in one request to the other service. */
const MOST_ITEMS = 500;

/** Records what the other service has to do for these rows, which the caller has locked. A worker sends it. */
export async function recordRemoteEffects(
  db: Db,
  { table, remote, origin }: { table: Sql; remote: RemoteEffect; origin: Origin },
  rows: readonly { id: string; user_id: string }[],
  leavers: readonly LeaverRow[],
): Promise<void> {
  const { rule, transition } = origin;
  const people = leavers.map(({ userId, accountId, lifecycleVersion, successor, leftAt, undoVersion }) => ({
    ...{ user_id: userId, account_id: accountId, lifecycle_version: lifecycleVersion, successor, decided_at: leftAt },
    undoable: typeof undoVersion === 'number',
  }));
  await sql`
    insert into remote_effect (account_id, user_id, lifecycle_version, rule, part, transition, successor, decided_at, undoable,
      item_ids, expected)
    select l.account_id, l.user_id, l.lifecycle_version, ${rule}, ${remote.part}, ${transition}, l.successor, l.decided_at, l.undoable,
      array_agg(c.item order by c.item), count(*)
    from jsonb_to_recordset(${JSON.stringify(people)}::jsonb) as l (account_id uuid, user_id uuid, lifecycle_version bigint,
      successor uuid, decided_at timestamptz, undoable boolean)
    join (
      select user_id, item, (row_number() over (partition by user_id order by item) - 1) / ${MOST_ITEMS} as chunk
      from (select distinct h.user_id, i.id as item
        from unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map((row) => row.user_id)}::uuid[]) as h (row_id, user_id)
        join ${table} t on t.id = h.row_id cross join lateral (${remote.items}) i (id)) own) c on c.user_id = l.user_id
    group by l.account_id, l.user_id, l.lifecycle_version, l.successor, l.decided_at, l.undoable, c.chunk
    order by l.user_id, c.chunk`.execute(db);
}
