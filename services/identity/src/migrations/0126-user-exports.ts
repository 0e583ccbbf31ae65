import { migration } from '#libs/database';

/** Copies of the data of a user. The chunks are deleted when the copy expires; the row with its digest stays. */
export const userExports = migration(
  '0126-user-exports',
  `create table user_export (
    id uuid primary key,
    account_id uuid not null references account,
    user_id user_ref not null,
    requested_by user_ref not null,
    status text not null check (status in ('running', 'completed', 'failed', 'expired')),
    requested_at timestamptz not null,
    completed_at timestamptz,
    expires_at timestamptz not null,
    error text,
    sha256 text,
    size bigint,
    chunks int not null default 0,
    progress jsonb not null,
    sealed_key text,
    look_after timestamptz not null default '-infinity'
  )`,
  `create index user_export_running on user_export (look_after) where status = 'running'`,
  `create unique index user_export_one on user_export (user_id) where status = 'running'`,
  'create index user_export_expires on user_export (expires_at) where sealed_key is not null',
  'create index user_export_user on user_export (user_id)',
  'create index user_export_requested_by on user_export (requested_by)',
  `create table user_export_chunk (
    export_id uuid not null references user_export on delete cascade,
    n int not null,
    data bytea not null,
    primary key (export_id, n)
  )`,
);
