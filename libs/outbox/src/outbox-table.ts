import { migration } from '#libs/database';

/**
 * Waiting events. A row lives until every service in `waiting` has acknowledged it, so every row in the table has to be
 * published, now or again at `due_at`; `-infinity` means immediately, whatever the clocks of two machines say.
 *
 * - Each acknowledgement shrinks `waiting`. No index covers that column and half of each page is left free, so that
 *   these updates, about six per event, stay in their page (HOT) and touch no index. A claim changes `due_at`, which is
 *   indexed, once per publication.
 * - `json`, not `jsonb`: the text is published unchanged. Claiming is a third faster, and the rows are smaller.
 * - Rows come and go all the time, so vacuum runs by an absolute threshold, without a cost delay.
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
