import { migration } from '#libs/database';

export const assignmentTables = migration(
  '0102-assignment-rules',
  `create table assignment_rule (
    id uuid primary key,
    account_id uuid not null,
    name text,
    last_position int,
    created_at timestamptz not null
  )`,
  'create index assignment_rule_account on assignment_rule (account_id, id)',
  `create table assignment_rule_member (
    id uuid primary key,
    account_id uuid not null,
    rule_id uuid not null references assignment_rule (id) on delete cascade,
    user_id user_ref not null,
    position int not null,
    unique (rule_id, position),
    unique (rule_id, user_id)
  )`,
  'create index assignment_rule_member_user on assignment_rule_member (user_id, id)',
  `create table assignment (
    id uuid primary key,
    account_id uuid not null,
    rule_id uuid not null references assignment_rule (id) on delete cascade,
    subject_id uuid,
    user_id user_ref not null,
    status text not null check (status in ('assigned', 'failed')),
    reason text check (reason in ('user-inactive')),
    created_at timestamptz not null,
    check ((status = 'failed') = (reason is not null))
  )`,
  'create index assignment_of_rule on assignment (rule_id, id)',
);
