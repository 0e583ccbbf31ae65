import { migration } from '#libs/database';

export const reportAndGoalTables = migration(
  '0101-reports-and-goals',
  `create table report (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    owner_id user_ref not null,
    definition jsonb not null,
    sharing text not null check (sharing in ('nobody', 'users', 'everyone')),
    withdrawn boolean not null,
    created_at timestamptz not null
  )`,
  'create index report_owner on report (owner_id, id)',
  'create index report_account on report (account_id, id)',
  `create table report_share (
    id uuid primary key,
    account_id uuid not null,
    report_id uuid not null references report (id) on delete cascade,
    user_id user_ref not null,
    unique (report_id, user_id)
  )`,
  'create index report_share_user on report_share (user_id, id)',
  `create table report_participant (
    id uuid primary key,
    account_id uuid not null,
    report_id uuid not null references report (id) on delete cascade,
    user_id user_ref not null,
    unique (report_id, user_id)
  )`,
  'create index report_participant_user on report_participant (user_id, id)',
  `create table goal (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    target double precision not null,
    owner_id user_ref not null,
    created_at timestamptz not null
  )`,
  'create index goal_owner on goal (owner_id, id)',
  'create index goal_account on goal (account_id, id)',
  `create table goal_participant (
    id uuid primary key,
    account_id uuid not null,
    goal_id uuid not null references goal (id) on delete cascade,
    user_id user_ref not null,
    unique (goal_id, user_id)
  )`,
  'create index goal_participant_user on goal_participant (user_id, id)',
);
