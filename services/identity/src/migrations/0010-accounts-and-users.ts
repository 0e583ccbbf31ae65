import { migration } from '#libs/database';

export const accountsAndUsers = migration(
  '0010-accounts-and-users',
  `create table account (
    id uuid primary key,
    name text not null,
    preset text not null default 'crm',
    seats int not null check (seats > 0),
    retention_days int not null default 0 check (retention_days >= 0),
    redaction_label text not null default 'plain' check (redaction_label in ('plain', 'with-id')),
    policy_overrides jsonb not null default '{}',
    policy_version int not null default 1,
    created_at timestamptz not null
  )`,
  `create table users (
    id user_ref primary key,
    account_id uuid not null references account,
    staff_id personal,
    name personal,
    email personal,
    avatar_url personal,
    password_hash text,
    status text not null check (status in ('invited', 'active', 'deactivated', 'deleted')),
    seq bigint not null default 0,
    lifecycle_version bigint not null default 1,
    active_since bigint not null default 1,
    session_epoch int not null default 0,
    session_epoch_at timestamptz,
    seat_taken boolean not null,
    deactivated_at timestamptz,
    deleted_at timestamptz,
    legal_hold_reason personal,
    legal_hold_at timestamptz,
    caretaker_id user_ref check (caretaker_id <> id),
    caretaker_until timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
  ) with (fillfactor = 80)`,
  `create unique index users_email on users (account_id, lower(email)) where email is not null`,
  `create unique index users_staff_id on users (account_id, staff_id) where staff_id is not null`,
  `create index users_login on users (lower(email)) where email is not null`,
  `create index users_of_account on users (account_id, id)`,
  `create index users_seats on users (account_id) where seat_taken`,
  `create index users_caretaker on users (caretaker_id) where caretaker_id is not null`,
  `create index users_session_epoch on users (session_epoch_at, id) where session_epoch_at is not null`,
  `create table user_role (
    id uuid primary key,
    user_id user_ref not null references users,
    role text not null check (role in ('owner', 'admin', 'agent')),
    unique (user_id, role)
  )`,
  `create table team (
    id uuid primary key,
    account_id uuid not null references account,
    name text not null,
    created_at timestamptz not null
  )`,
  `create unique index team_name on team (account_id, lower(name))`,
  `create table team_member (
    id uuid primary key,
    team_id uuid not null references team on delete cascade,
    user_id user_ref not null references users,
    unique (user_id, team_id)
  )`,
  `create index team_member_team on team_member (team_id)`,
  `create table service_rules (service text primary key, rules jsonb not null)`,
  // What other services keep as a copy is a view here: the same reads and the same locks, on the users themselves.
  // Everything but users stands in subqueries, so that a lock taken through the view is a lock on the user's row alone.
  `create view directory as
    select u.id as user_id, u.account_id, u.name, u.staff_id, u.status, u.seq, u.lifecycle_version,
      exists (select from user_role r where r.user_id = u.id and r.role in ('owner', 'admin')) as is_manager,
      array(select m.team_id from team_member m where m.user_id = u.id order by m.team_id) as team_ids,
      u.created_at as user_created_at,
      (select a.redaction_label from account a where a.id = u.account_id) as redaction_label,
      u.legal_hold_at is not null as legal_hold
    from users u`,
);
