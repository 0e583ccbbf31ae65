import { migration } from '#libs/database';

export const recordTables = migration(
  '0103-records',
  `create table record (
    id uuid primary key,
    account_id uuid not null,
    type text not null check (type in ('lead', 'deal', 'product', 'activity', 'project', 'task')),
    title text not null,
    owner_id user_ref,
    contact_id uuid references contact (id) on delete set null,
    created_at timestamptz not null
  )`,
  'create index record_owner on record (owner_id, type, id)',
  'create index record_account on record (account_id, id)',
  'create index record_contact on record (contact_id, id)',
);
