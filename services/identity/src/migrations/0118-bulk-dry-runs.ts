import { migration } from '#libs/database';

/**
 * Dry runs of bulk departures, in tables of their own: an older identity would carry out what it finds in those of bulk
 * departures. A row is counted when `possible` is set.
 */
export const bulkDryRuns = migration(
  '0118-bulk-dry-runs',
  `create table bulk_dry_run (
    id uuid primary key,
    account_id uuid not null references account,
    transition text not null check (transition in ('deactivated', 'deleted')),
    requested_by user_ref not null,
    requested_as text[] not null,
    requested_at timestamptz not null,
    effective_at timestamptz,
    successors jsonb not null,
    overrides jsonb not null,
    list_digest text not null,
    totals jsonb not null default '[]',
    counted boolean not null default false,
    look_after timestamptz not null default '-infinity',
    expires_at timestamptz not null
  )`,
  'create index bulk_dry_run_to_count on bulk_dry_run (look_after) where not counted',
  'create index bulk_dry_run_expires on bulk_dry_run (expires_at)',
  'create index bulk_dry_run_requested_by on bulk_dry_run (requested_by)',
  `create table bulk_dry_run_row (
    dry_run_id uuid not null references bulk_dry_run on delete cascade,
    n int not null,
    user_id user_ref,
    successors jsonb not null default '{}',
    possible boolean,
    blockers jsonb not null default '[]',
    row_count bigint not null default 0,
    digest text,
    primary key (dry_run_id, n)
  )`,
  'create index bulk_dry_run_row_to_count on bulk_dry_run_row (dry_run_id, n) where possible is null',
  'create index bulk_dry_run_row_user on bulk_dry_run_row (user_id)',
);
