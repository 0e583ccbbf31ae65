import { migration } from '#libs/database';

/**
 * A take-over erases the password of an import source, which stays inactive without one. `granted_at` is when it got another
 * one; replicas of an earlier version leave it empty.
 */
export const takenOverSources = migration(
  '0114-taken-over-sources',
  `alter table import_source alter column password drop not null, add column granted_at timestamptz,
    add constraint import_source_password check (password is not null or not active)`,
);
