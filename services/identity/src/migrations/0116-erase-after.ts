import { migration } from '#libs/database';

/** The deletion that the policy schedules with a deactivation, and the deactivation that it follows. */
export const eraseAfter = migration(
  '0116-erase-after',
  'alter table account add column erase_after_days int check (erase_after_days between 1 and 3650)',
  'alter table departure add column erases_from uuid',
);
