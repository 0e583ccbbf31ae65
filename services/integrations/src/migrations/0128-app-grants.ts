import { migration } from '#libs/database';

/** `granted_at` is when an app was handed over to its present user; empty if that user has installed it. */
export const appGrants = migration('0128-app-grants', 'alter table app add column granted_at timestamptz');
