import { migration } from '#libs/database';

export const automationTables = migration(
  '0100-automations',
  `create table automation (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    owner_id user_ref not null,
    active boolean not null,
    trigger_kind text not null check (trigger_kind in ('any', 'selected')),
    created_at timestamptz not null
  )`,
  'create index automation_owner on automation (owner_id, id)',
  'create index automation_account on automation (account_id, id)',
  `create table automation_trigger_user (
    id uuid primary key,
    account_id uuid not null,
    automation_id uuid not null references automation (id) on delete cascade,
    user_id user_ref not null,
    unique (automation_id, user_id)
  )`,
  'create index automation_trigger_user_user on automation_trigger_user (user_id, id)',
  `create table automation_run (
    id uuid primary key,
    account_id uuid not null,
    automation_id uuid not null references automation (id) on delete cascade,
    user_id user_ref not null,
    status text not null check (status in ('completed', 'terminated', 'excluded')),
    reason text check (reason in ('user-inactive', 'not-selected')),
    created_at timestamptz not null,
    check ((status = 'completed') = (reason is null))
  )`,
  'create index automation_run_automation on automation_run (automation_id, id)',
);
