import { migration } from '#libs/database';

export const csatTables = migration(
  '0124-csat-responses',
  // A policy can delete conversations; the responses about them are kept.
  `create table csat_response (
    id uuid primary key,
    account_id uuid not null,
    conversation_id uuid references conversation (id) on delete set null,
    score int not null check (score between 1 and 5),
    comment text,
    agent_id user_ref,
    created_at timestamptz not null
  )`,
  'create index csat_response_agent on csat_response (agent_id, id)',
  'create index csat_response_conversation on csat_response (conversation_id, id)',
  'create index csat_response_account on csat_response (account_id, id)',
);
