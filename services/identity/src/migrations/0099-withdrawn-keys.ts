import { migration } from '#libs/database';

/** From when on the signatures of a stolen key count for nothing. */
export const withdrawnKeys = migration(
  '0099-withdrawn-keys',
  `alter table signing_key
    add column revoked_from timestamptz,
    add check (revoked_from is null or (retired_at is not null and next_from is null))`,
);
