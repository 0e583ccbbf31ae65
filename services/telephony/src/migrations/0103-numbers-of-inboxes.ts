import { migration } from '#libs/database';

/** Inboxes are another service's: no foreign key. */
export const numbersOfInboxes = migration(
  '0103-numbers-of-inboxes',
  'alter table phone_number add column inbox_id uuid',
);
