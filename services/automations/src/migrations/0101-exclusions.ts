import { migration } from '#libs/database';

export const exclusionTables = migration(
  '0101-exclusions',
  'alter table automation add column any_since timestamptz',
  `update automation set any_since = created_at where trigger_kind = 'any'`,
  `alter table automation add check ((trigger_kind = 'any') = (any_since is not null))`,
  `create index automation_any on automation (account_id, id) where trigger_kind = 'any'`,
  `create table automation_exclusion (
    user_id user_ref,
    automation_id uuid references automation (id) on delete cascade,
    account_id uuid not null,
    primary key (user_id, automation_id)
  )`,
  'create index automation_exclusion_automation on automation_exclusion (automation_id, user_id)',
);
