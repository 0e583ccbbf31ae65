import { migration } from '#libs/database';

export const filterTables = migration(
  '0104-filters',
  `create table filter (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    visibility text not null check (visibility in ('public', 'private')),
    owner_id user_ref not null,
    created_at timestamptz not null
  )`,
  'create index filter_owner on filter (owner_id, visibility, id)',
  'create index filter_account on filter (account_id, id)',
  `create table filter_condition (
    id uuid primary key,
    filter_id uuid not null references filter (id) on delete cascade,
    field text not null,
    op text not null,
    value text,
    user_id user_ref,
    constraint filter_condition_one_value check (num_nonnulls(value, user_id) = case op when 'is-empty' then 0 else 1 end)
  )`,
  'create index filter_condition_filter on filter_condition (filter_id, id)',
  'create index filter_condition_user on filter_condition (user_id, id) where user_id is not null',
);
