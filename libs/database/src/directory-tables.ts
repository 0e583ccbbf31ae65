import { migration } from './migrate.js';

/** The service's own copy of the user directory, updated by user events. Names are read only from here. */
export const directoryTable = migration(
  '0002-directory',
  `create table directory (
    user_id user_ref primary key,
    account_id uuid not null,
    name personal,
    staff_id personal,
    status text not null check (status in ('invited', 'active', 'deactivated', 'deleted')),
    seq bigint not null,
    lifecycle_version bigint not null,
    is_manager boolean not null default false,
    team_ids uuid[] not null default '{}',
    user_created_at timestamptz not null,
    redaction_label text not null default 'plain',
    legal_hold boolean not null default false
  ) with (fillfactor = 80)`,
  `create index directory_first_admin on directory (account_id, user_created_at, user_id) where is_manager and status = 'active'`,
  `create index directory_staff_id on directory (account_id, staff_id) where staff_id is not null`,
);

/** The caretaker of each inbox and when the care ends; null for no end. */
export const directoryCare = migration(
  '0004-directory-care',
  'alter table directory add column caretaker_id user_ref, add column caretaker_until timestamptz',
  'create index directory_caretaker on directory (caretaker_id, user_id) where caretaker_id is not null',
);

/** Finds the members of a team. */
export const directoryTeams = migration(
  '0030-directory-teams',
  'create index directory_team on directory using gin (team_ids)',
);

/**
 * The index covers managers of any status. They are few, and without the status in the index a departure changes no
 * index of this table, so that PostgreSQL can keep the new row version in the same page (HOT).
 */
export const directoryManagers = migration(
  '0007-directory-managers',
  'create index directory_manager on directory (account_id, user_created_at, user_id) where is_manager',
  'drop index directory_first_admin',
);
