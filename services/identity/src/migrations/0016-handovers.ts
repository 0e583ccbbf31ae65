import { migration } from '#libs/database';

export const handovers = migration(
  '0016-handovers',
  `alter table departure add column conversion jsonb`,
  // People whose older events the broker is to forget, as soon as every service has answered them.
  `create table stream_purge (
    id uuid primary key,
    account_id uuid not null,
    user_id user_ref not null,
    seq bigint not null,
    look_after timestamptz not null default '-infinity'
  )`,
  `create index users_caretaker_until on users (caretaker_until) where caretaker_until is not null`,
);
