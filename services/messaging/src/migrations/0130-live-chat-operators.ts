import { migration } from '#libs/database';

export const liveChatOperatorTables = migration(
  '0130-live-chat-operators',
  // `lifecycle_version`: the user's version at the declaration. A departure or reactivation raises it and so ends the
  // declaration.
  `create table chat_operator (
    user_id user_ref primary key,
    account_id uuid not null,
    available boolean not null,
    max_chats int check (max_chats > 0),
    last_chat_at timestamptz,
    lifecycle_version bigint not null
  )`,
  'create index chat_operator_account on chat_operator (account_id, user_id)',
  `create index live_chat_queue on live_chat (account_id, id) where status = 'queued'`,
  `create index live_chat_load on live_chat (operator_id) where status = 'open'`,
);
