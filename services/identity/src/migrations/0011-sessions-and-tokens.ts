import { migration } from '#libs/database';

export const sessionsAndTokens = migration(
  '0011-sessions-and-tokens',
  `create table session (
    id uuid primary key,
    user_id user_ref not null references users,
    family bytea not null unique,
    refresh_hash bytea not null,
    ip personal,
    user_agent personal,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    revoked boolean not null default false,
    revoked_at timestamptz,
    revoked_alone boolean not null default false,
    check (revoked = (revoked_at is not null))
  ) with (fillfactor = 80)`,
  `create index session_of_user on session (user_id, id)`,
  `create index session_revoked_alone on session (revoked_at, id) where revoked_alone`,
  `create table api_token (
    id uuid primary key,
    user_id user_ref not null references users,
    name text not null,
    hash bytea not null,
    created_at timestamptz not null,
    last_used_at timestamptz,
    revoked boolean not null default false,
    revoked_at timestamptz,
    check (revoked = (revoked_at is not null))
  ) with (fillfactor = 80)`,
  `create index api_token_of_user on api_token (user_id, id)`,
  `create table invitation (
    id uuid primary key,
    user_id user_ref not null references users,
    invited_by user_ref not null references users,
    hash bytea not null unique,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked boolean not null default false,
    revoked_at timestamptz,
    check (revoked = (revoked_at is not null))
  )`,
  `create index invitation_of_user on invitation (user_id)`,
  `create index invitation_open_by on invitation (invited_by) where accepted_at is null and revoked_at is null`,
  `create table password_reset (
    id uuid primary key,
    user_id user_ref not null references users,
    hash bytea not null unique,
    created_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  `create index password_reset_of_user on password_reset (user_id)`,
  `create table signing_key (
    kid text primary key,
    public_jwk jsonb not null,
    sealed_private_jwk text not null,
    created_at timestamptz not null,
    retired_at timestamptz
  )`,
  // Two replicas that start at the same moment make one key.
  `create unique index signing_key_in_use on signing_key ((true)) where retired_at is null`,
);
