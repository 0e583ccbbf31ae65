import { migration } from '#libs/database';

/** For asking a service once more that has failed to apply a deletion: the address itself is gone by then. */
export const addressDigests = migration(
  '0022-address-digests',
  'alter table departure add column address_digest personal',
);
