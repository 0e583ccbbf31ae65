import { migration } from '#libs/database';

export const dashboardTables = migration(
  '0100-dashboards',
  `create table dashboard (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    owner_id user_ref not null,
    shared boolean not null,
    layout jsonb not null,
    created_at timestamptz not null
  )`,
  'create index dashboard_owner on dashboard (owner_id, id)',
  'create index dashboard_account on dashboard (account_id, id)',
  `create table public_link (
    id uuid primary key,
    account_id uuid not null,
    dashboard_id uuid not null references dashboard (id),
    created_by_id user_ref not null,
    token text not null unique,
    active boolean not null,
    created_at timestamptz not null
  )`,
  'create index public_link_dashboard on public_link (dashboard_id)',
  'create index public_link_creator on public_link (created_by_id, id)',
  'create index public_link_account on public_link (account_id, id)',
);
