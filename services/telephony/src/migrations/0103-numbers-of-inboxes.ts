import { migration } from '#libs/database';

/** No foreign key: inboxes belong to another service. */
export const numbersOfInboxes = migration(
  '0103-numbers-of-inboxes',
  'alter table phone_number add column inbox_id uuid',
);
