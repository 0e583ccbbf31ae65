import { migration } from '#libs/database';

export const callbackTables = migration(
  '0101-callbacks',
  `create table callback (
    id uuid primary key,
    account_id uuid not null,
    contact_id uuid not null,
    assignee_id user_ref,
    due_at timestamptz not null,
    status text not null check (status in ('pending', 'done')),
    created_at timestamptz not null
  )`,
  'create index callback_assignee on callback (assignee_id, id)',
  'create index callback_account on callback (account_id, id)',
);
