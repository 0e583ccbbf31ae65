import { migration } from '#libs/database';

/**
 * Events on their way: a row lives until every service in `waiting` has answered, so whatever is in the table is still to
 * be published, now or (again) at `due_at`; `-infinity` means at once, whatever the clocks of two machines say.
 *
 * - Each answer shrinks `waiting`. No index names that column and half of each page is left free, so that these updates,
 *   six to an event, stay in their page (HOT) and touch no index. A claim moves `due_at`, and does touch them: once an event.
 * - `json`, not `jsonb`: the text is published as it was written. Claiming is a third faster, the rows are smaller.
 * - Rows come and go all the time: vacuum follows by number, not by share, and does not dawdle.
 */
export const outboxTable = migration(
  '0003-outbox',
  `create table outbox (
    id uuid primary key,
    account_id uuid not null,
    user_id user_ref not null,
    seq bigint not null,
    round integer not null,
    subject text not null,
    event json not null,
    waiting text[] not null,
    attempts integer not null default 0,
    due_at timestamptz not null default '-infinity',
    created_at timestamptz not null,
    unique (user_id, seq)
  ) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0
  )`,
  `create index outbox_due on outbox (due_at, id)`,
);
