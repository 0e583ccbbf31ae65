import { migration } from '#libs/database';

export const documentTables = migration(
  '0102-documents',
  `create table storage_connection (
    id uuid primary key,
    account_id uuid not null,
    provider text not null,
    created_at timestamptz not null
  )`,
  'create index storage_connection_account on storage_connection (account_id, id)',
  `create table storage_access (
    id uuid primary key,
    account_id uuid not null,
    storage_id uuid not null references storage_connection (id) on delete cascade,
    user_id user_ref not null,
    unique (storage_id, user_id)
  )`,
  'create index storage_access_user on storage_access (user_id, storage_id)',
  `create table document (
    id uuid primary key,
    account_id uuid not null,
    title text not null,
    storage_id uuid not null references storage_connection (id),
    owner_id user_ref not null,
    deal_id uuid,
    created_at timestamptz not null
  )`,
  'create index document_owner on document (owner_id, id)',
  'create index document_account on document (account_id, id)',
  'create index document_storage on document (storage_id, id)',
  `create table document_template (
    id uuid primary key,
    account_id uuid not null,
    title text not null,
    storage_id uuid not null references storage_connection (id),
    owner_id user_ref not null,
    created_at timestamptz not null
  )`,
  'create index document_template_owner on document_template (owner_id, id)',
  'create index document_template_account on document_template (account_id, id)',
  'create index document_template_storage on document_template (storage_id, id)',
  `create table template_grant (
    id uuid primary key,
    account_id uuid not null,
    template_id uuid not null references document_template (id) on delete cascade,
    user_id user_ref not null,
    unique (template_id, user_id)
  )`,
  'create index template_grant_user on template_grant (user_id, template_id)',
);
