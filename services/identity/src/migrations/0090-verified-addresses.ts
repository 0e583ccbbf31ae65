import { migration } from '#libs/database';

export const verifiedAddresses = migration(
  '0090-verified-addresses',
  // When the user proved that they read the mail to their address.
  'alter table users add column email_verified_at timestamptz',
  // The mailed token differs from the one in the answer to the inviter, so that it proves the address.
  'alter table invitation add column mailed_hash bytea',
  'create unique index invitation_mailed on invitation (mailed_hash)',
);
