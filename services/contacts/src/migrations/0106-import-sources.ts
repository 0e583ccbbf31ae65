import { migration } from '#libs/database';

export const importSourceTables = migration(
  '0106-import-sources',
  // A source belongs to the account and names no user, so it continues when the user who created it leaves.
  `create table import_source (
    id uuid primary key,
    account_id uuid not null,
    kind text not null check (kind in ('ftp', 'ftps', 'sftp')),
    host text not null,
    port int not null,
    path text not null,
    username text not null,
    password text not null,
    host_key text,
    offered_host_key text,
    user_id_field text,
    every_minutes int not null check (every_minutes > 0),
    active boolean not null,
    due_at timestamptz not null,
    run_id uuid,
    lease_until timestamptz,
    failures int not null default 0,
    unfinished jsonb,
    last_run_at timestamptz,
    last_result jsonb,
    last_error text,
    created_at timestamptz not null
  )`,
  'create index import_source_account on import_source (account_id, id)',
  'create index import_source_due on import_source (due_at) where active',
  // The files seen in a source. A file that has been taken is not taken again, even if it could not be moved.
  `create table import_source_file (
    source_id uuid not null references import_source (id) on delete cascade,
    name text not null,
    size bigint not null,
    modified_at timestamptz,
    state text not null check (state in ('seen', 'reading', 'taken', 'moved')),
    since timestamptz not null,
    import_id uuid,
    constraint import_source_file_once unique nulls not distinct (source_id, name, size, modified_at)
  )`,
  'alter table contact_import alter column imported_by drop not null, alter column user_id_field drop not null',
  'alter table contact_import add column source_id uuid references import_source (id) on delete set null, add column file_name text',
  `alter table contact_import add constraint contact_import_from_somewhere check (num_nonnulls(imported_by, file_name) = 1)`,
  'create index contact_import_source on contact_import (source_id, id) where source_id is not null',
);
