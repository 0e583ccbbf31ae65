import { migration } from '#libs/database';

export const messageTables = migration(
  '0110-messages',
  // `team_ids`: the sender's teams when the message was written. `due_at`: the next attempt to send a queued message.
  `create table message (
    id uuid primary key,
    account_id uuid not null,
    inbox_id uuid not null references message_inbox (id),
    conversation_id uuid not null references conversation (id) on delete cascade,
    contact_id uuid not null,
    direction text not null check (direction in ('outbound', 'inbound')),
    text text not null,
    to_phone text,
    sent_by user_ref,
    team_ids uuid[] not null default '{}',
    status text not null check (status in ('queued', 'sent', 'delivered', 'failed', 'received')),
    attempts int not null default 0,
    due_at timestamptz,
    created_at timestamptz not null,
    check ((direction = 'outbound') = (sent_by is not null)),
    check ((direction = 'inbound') = (status = 'received')),
    check ((status = 'queued') = (due_at is not null))
  )`,
  'create index message_conversation on message (conversation_id, id)',
  'create index message_inbox_message on message (inbox_id, id)',
  'create index message_sender on message (sent_by, id)',
  'create index message_account on message (account_id, id)',
  `create index message_queued on message (due_at) where status = 'queued'`,
  // Messages that the sandbox has received, deleted with the message.
  `create table sandbox_handover (
    message_id uuid primary key references message (id) on delete cascade,
    inbox_id uuid not null,
    to_phone text not null,
    text text not null,
    handed_at timestamptz not null
  )`,
  // Append-only. No foreign key, because the entries are kept when the message is deleted.
  `create table message_activity (
    id uuid primary key,
    account_id uuid not null,
    message_id uuid not null,
    kind text not null check (kind in ('sent', 'delivered', 'replied')),
    user_id user_ref not null,
    team_ids uuid[] not null,
    inbox_id uuid not null,
    contact_id uuid not null,
    sent_at timestamptz not null,
    at timestamptz not null,
    unique (message_id, kind)
  )`,
  'create index message_activity_account on message_activity (account_id, sent_at)',
  'create index message_activity_user on message_activity (user_id, id)',
);
