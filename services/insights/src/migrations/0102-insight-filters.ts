import { migration } from '#libs/database';

export const insightFilterTables = migration(
  '0102-insight-filters',
  `create table insight_filter (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    created_at timestamptz not null
  )`,
  'create index insight_filter_account on insight_filter (account_id, id)',
  `create table insight_filter_condition (
    id uuid primary key,
    account_id uuid not null,
    filter_id uuid not null references insight_filter (id) on delete cascade,
    field text not null,
    op text not null,
    user_id user_ref,
    value text,
    check (num_nonnulls(user_id, value) = 1)
  )`,
  'create index insight_filter_condition_filter on insight_filter_condition (filter_id, id)',
  'create index insight_filter_condition_user on insight_filter_condition (user_id, id)',
);
