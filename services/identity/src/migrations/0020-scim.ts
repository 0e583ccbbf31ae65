import { migration } from '#libs/database';

export const scim = migration(
  '0020-scim',
  `alter table users add column user_name personal, add column external_id personal, add column scim_name personal`,
  `create unique index users_user_name on users (account_id, lower(coalesce(user_name, email)))`,
  `create unique index users_external_id on users (account_id, external_id) where external_id is not null`,
  `create index users_name on users (account_id, lower(name)) where name is not null`,
  `alter table team add column external_id text`,
  `create index team_external_id on team (account_id, external_id) where external_id is not null`,
  // An identity provider invites people, too.
  `alter table invitation alter column invited_by drop not null`,
  `create table scim_token (
    id uuid primary key,
    account_id uuid not null references account,
    name text not null,
    hash bytea not null,
    created_at timestamptz not null,
    last_used_at timestamptz
  ) with (fillfactor = 80)`,
  `create index scim_token_of_account on scim_token (account_id, id)`,
);
