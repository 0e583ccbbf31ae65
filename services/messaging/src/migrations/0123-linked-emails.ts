import { migration } from '#libs/database';

export const linkedEmailTables = migration(
  '0123-linked-emails',
  `create table linked_email (
    id uuid primary key,
    account_id uuid not null,
    record_id uuid not null,
    subject text not null,
    body text not null,
    visibility text not null check (visibility in ('shared', 'private')),
    owner_id user_ref not null,
    created_at timestamptz not null
  )`,
  'create index linked_email_owner on linked_email (owner_id, id)',
  'create index linked_email_record on linked_email (record_id, id)',
  'create index linked_email_account on linked_email (account_id, id)',
);
