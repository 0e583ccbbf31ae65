import { migration } from '#libs/database';

/**
 * Keys with a purpose. A key without one is from before, or was created by a replica of the previous release: it signs
 * tokens and verifies whatever it signed. The keys of certificates and heads are retired for tokens from the start, so
 * replicas of the previous release publish them, and neither sign nor accept tokens with them.
 */
export const keyPurposes = migration(
  '0098-key-purposes',
  `alter table signing_key
    add column purpose text check (purpose in ('tokens', 'certificates', 'heads')),
    add column used_from timestamptz,
    add check ((used_from is not null) = (coalesce(purpose, 'tokens') <> 'tokens')),
    add check (used_from is null or (retired_at = '-infinity' and next_from is null))`,
);
