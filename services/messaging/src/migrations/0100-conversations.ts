import { migration } from '#libs/database';

export const conversationTables = migration(
  '0100-conversations',
  // Not called `inbox`, which is the engine's table of received events.
  `create table message_inbox (
    id uuid primary key,
    account_id uuid not null,
    kind text not null check (kind in ('personal', 'shared')),
    name text not null,
    owner_id user_ref,
    created_at timestamptz not null,
    check ((kind = 'personal') = (owner_id is not null))
  )`,
  'create index message_inbox_owner on message_inbox (owner_id, id)',
  'create index message_inbox_account on message_inbox (account_id, id)',
  `create table inbox_member (
    id uuid primary key,
    account_id uuid not null,
    inbox_id uuid not null references message_inbox (id) on delete cascade,
    user_id user_ref not null,
    unique (inbox_id, user_id)
  )`,
  'create index inbox_member_user on inbox_member (user_id, id)',
  `create table conversation (
    id uuid primary key,
    account_id uuid not null,
    inbox_id uuid not null references message_inbox (id),
    contact_id uuid not null,
    assignee user_ref,
    status text not null check (status in ('open', 'snoozed', 'closed')),
    created_at timestamptz not null
  )`,
  'create index conversation_assignee on conversation (assignee, id)',
  'create index conversation_inbox on conversation (inbox_id, id)',
  'create index conversation_contact on conversation (contact_id, id)',
  'create index conversation_account on conversation (account_id, id)',
  `create table internal_note (
    id uuid primary key,
    account_id uuid not null,
    conversation_id uuid not null references conversation (id) on delete cascade,
    text text not null,
    author user_ref not null,
    created_at timestamptz not null
  )`,
  'create index internal_note_author on internal_note (author, id)',
  'create index internal_note_conversation on internal_note (conversation_id, id)',
  'create index internal_note_account on internal_note (account_id, id)',
);
