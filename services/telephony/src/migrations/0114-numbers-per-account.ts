import { migration } from '#libs/database';

/**
 * Two accounts may enter the same number, so that none learns what the other holds. `verified_at` says for which of them the
 * carrier has confirmed it. Numbers that exist, and those that replicas of the release before enter, count as confirmed.
 */
export const numbersPerAccount = migration(
  '0114-numbers-per-account',
  'alter table phone_number add column verified_at timestamptz default now()',
  `create unique index phone_number_in_account on phone_number (account_id, e164) where state <> 'released'`,
  `create unique index phone_number_verified on phone_number (e164) where state <> 'released' and verified_at is not null`,
  'drop index phone_number_in_use',
);
