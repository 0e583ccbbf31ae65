import { migration } from '#libs/database';

/**
 * `assigned_at` is when an import last set the assignee; null for contacts that were assigned before this migration.
 * `contact_move` has a row per request that moved contacts for a departure, and `contact_before` what a return of the user
 * may give back.
 */
export const movesByDepartures = migration(
  '0112-moves-by-departures',
  'alter table contact add column assigned_at timestamptz',
  `create table contact_move (
    id uuid primary key,
    account_id uuid not null,
    user_id user_ref not null,
    lifecycle_version bigint not null,
    rule text not null,
    assignee user_ref,
    decided_at timestamptz not null,
    moved int not null,
    undone_with bigint,
    moved_back int not null default 0
  )`,
  'create index contact_move_user on contact_move (user_id, lifecycle_version)',
  `create table contact_before (
    move_id uuid not null references contact_move (id) on delete cascade,
    contact_id uuid not null,
    assignee user_ref,
    moved_by uuid,
    primary key (move_id, contact_id)
  )`,
);
