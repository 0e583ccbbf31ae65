import { migration } from '#libs/database';

export const contactImportTables = migration(
  '0102-contact-imports',
  `create table contact_import (
    id uuid primary key,
    account_id uuid not null,
    imported_by user_ref not null,
    user_id_field text not null,
    status text not null check (status in ('uploading', 'running', 'completed', 'failed')),
    chunks int not null default 0,
    rows_done bigint not null default 0,
    created bigint not null default 0,
    updated bigint not null default 0,
    assigned bigint not null default 0,
    cleared bigint not null default 0,
    unmatched_total bigint not null default 0,
    rejected_total bigint not null default 0,
    error text,
    attempts int not null default 0,
    lease_until timestamptz,
    touched_at timestamptz not null,
    created_at timestamptz not null,
    finished_at timestamptz
  ) with (fillfactor = 50)`,
  'create index contact_import_account on contact_import (account_id, id)',
  `create index contact_import_open on contact_import (id) where status in ('uploading', 'running')`,
  // A logged table, so that an accepted file survives a crash of the database.
  `create table contact_import_chunk (
    import_id uuid not null references contact_import (id) on delete cascade,
    n int not null,
    data bytea not null,
    primary key (import_id, n)
  )`,
  // Not compressed: the pieces exist only for minutes, so compression costs more than it saves.
  'alter table contact_import_chunk alter column data set storage external',
  // A staff id that belongs to a former user is stored as the user's id, so it disappears when the user is deleted.
  `create table contact_import_unmatched (
    import_id uuid not null references contact_import (id) on delete cascade,
    row_no bigint not null,
    value personal,
    user_id user_ref,
    primary key (import_id, row_no)
  )`,
  `create table contact_import_rejected (
    import_id uuid not null references contact_import (id) on delete cascade,
    row_no bigint not null,
    reason text not null,
    primary key (import_id, row_no)
  )`,
);
