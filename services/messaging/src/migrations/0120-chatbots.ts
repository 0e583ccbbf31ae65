import { migration } from '#libs/database';

export const chatbotTables = migration(
  '0120-chatbots',
  `create table chatbot (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    user_id user_ref not null,
    email personal,
    created_at timestamptz not null
  )`,
  'create index chatbot_user on chatbot (user_id, id)',
  'create index chatbot_account on chatbot (account_id, id)',
);
