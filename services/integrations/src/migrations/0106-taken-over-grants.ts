import { migration } from '#libs/database';

/**
 * A take-over erases the secret of a webhook, which stays inactive without one. `granted_at` is when a row that had ended was
 * granted again; replicas of an earlier version leave it empty.
 */
export const takenOverGrants = migration(
  '0106-taken-over-grants',
  `alter table webhook alter column secret drop not null, add column granted_at timestamptz,
    add constraint webhook_secret check (secret is not null or not active)`,
  'alter table account_sync add column granted_at timestamptz',
  'alter table scheduler_link add column granted_at timestamptz',
);
