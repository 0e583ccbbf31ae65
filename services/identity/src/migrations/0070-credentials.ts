import { migration } from '#libs/database';

/**
 * Tokens end, API tokens have scopes, sessions know when their user last proved who they are, and a new address waits for
 * its confirmation. Tokens from before, and those that the previous release still creates, keep all that they could do for
 * 90 days; SCIM tokens for a year, because offboarding stops with them.
 */
export const credentials = migration(
  '0070-credentials',
  `alter table api_token
    add column scopes text[] not null default '{read,write,departures,admin}',
    add column expires_at timestamptz not null default now() + interval '90 days'`,
  `alter table scim_token
    add column expires_at timestamptz not null default now() + interval '365 days',
    add column use_recorded_at timestamptz`,
  `alter table session add column proven_at timestamptz`,
  `create table email_change (
    user_id user_ref primary key references users,
    email personal not null,
    hash bytea not null unique,
    expires_at timestamptz not null
  )`,
);
