import { migration, rowsWhere } from '#libs/database';

/**
 * Passkeys, authenticator apps and recovery codes. Replicas of the former version know none: until all are new, a password
 * alone lets a user in at an old one, and the policy asks nobody for a second factor there.
 */
export const signInMethods = migration(
  '0150-sign-in-methods',
  `create table passkey (
    id uuid primary key,
    user_id user_ref not null,
    credential_id text not null unique,
    public_key bytea not null,
    counter bigint not null,
    transports text[] not null,
    backed_up boolean not null,
    name personal not null,
    created_at timestamptz not null,
    last_used_at timestamptz
  )`,
  'create index passkey_user on passkey (user_id)',
  `create table totp (
    id uuid primary key,
    user_id user_ref not null,
    sealed_secret text not null,
    created_at timestamptz not null,
    confirmed_at timestamptz,
    last_step bigint
  )`,
  'create unique index totp_user on totp (user_id, (confirmed_at is null))',
  `create table recovery_code (
    user_id user_ref not null,
    digest bytea not null,
    used_at timestamptz,
    primary key (user_id, digest)
  )`,
  // A sign-in whose password was right, and that waits for the second factor.
  `create table sign_in_challenge (
    id uuid primary key,
    user_id user_ref not null,
    digest bytea not null unique,
    password_digest bytea not null,
    tries int not null default 0,
    expires_at timestamptz not null
  )`,
  'create index sign_in_challenge_user on sign_in_challenge (user_id)',
  // Wrong codes of a user since the beginning of the hour that the first of them has begun.
  `create table code_guess (
    user_id user_ref primary key,
    since timestamptz not null,
    guesses int not null
  )`,
  // Challenges of passkeys are signed, not stored. The digests of used ones are kept until they expire.
  `create table used_passkey_challenge (
    digest bytea primary key,
    expires_at timestamptz not null
  )`,
  'create index used_passkey_challenge_expires on used_passkey_challenge (expires_at)',
  rowsWhere('used_passkey_challenge', 'true'),
  `alter table account
    add column mfa text not null default 'off' check (mfa in ('off', 'managers', 'everybody')),
    add column mfa_since timestamptz`,
);
