import { migration } from '#libs/database';

/** How often something has happened within an hour, so that the audit trail gets a bounded number of entries about it. */
export const auditWindows = migration(
  '0097-audit-windows',
  // The key is a digest of who did what to whom.
  `create table audit_window (key text primary key, hour timestamptz not null, count bigint not null)`,
  `create index audit_window_hour on audit_window (hour)`,
);
