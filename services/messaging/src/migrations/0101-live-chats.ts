import { migration } from '#libs/database';

export const liveChatTables = migration(
  '0101-live-chats',
  // A chat is queued if and only if it has no operator; a closed one can have an operator or not.
  `create table live_chat (
    id uuid primary key,
    account_id uuid not null,
    visitor text not null,
    operator_id user_ref,
    status text not null check (status in ('queued', 'open', 'closed')),
    created_at timestamptz not null,
    check (status = 'closed' or (status = 'queued') = (operator_id is null))
  )`,
  'create index live_chat_operator on live_chat (operator_id, id)',
  'create index live_chat_account on live_chat (account_id, id)',
);
