import { migration } from '#libs/database';

export const syncAndSchedulerLinkTables = migration(
  '0101-syncs-and-scheduler-links',
  `create table account_sync (
    id uuid primary key,
    account_id uuid not null,
    kind text not null check (kind in ('email', 'contact', 'calendar', 'drive')),
    provider text not null,
    owner_id user_ref not null,
    status text not null check (status in ('active', 'stopped')),
    sealed_grant text,
    created_at timestamptz not null,
    stopped_at timestamptz,
    check (status = 'active' or sealed_grant is null)
  )`,
  'create index account_sync_owner on account_sync (owner_id, id)',
  'create index account_sync_account on account_sync (account_id, id)',
  `create table scheduler_link (
    id uuid primary key,
    account_id uuid not null,
    slug text not null unique,
    title text not null,
    owner_id user_ref not null,
    status text not null check (status in ('active', 'expired')),
    created_at timestamptz not null,
    expired_at timestamptz
  )`,
  'create index scheduler_link_owner on scheduler_link (owner_id, id)',
  'create index scheduler_link_account on scheduler_link (account_id, id)',
);
