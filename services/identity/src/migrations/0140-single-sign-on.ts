import { migration } from '#libs/database';

/** OpenID Connect: the provider of an account, its email domains, and who signs in through it. */
export const singleSignOn = migration(
  '0140-single-sign-on',
  `create table sso_connection (
    account_id uuid primary key references account,
    issuer text not null,
    client_id text not null,
    sealed_client_secret text,
    just_in_time_role text,
    version int not null,
    updated_at timestamptz not null
  )`,
  `create table sso_domain (
    id uuid primary key,
    account_id uuid not null references account,
    domain text not null,
    token text not null,
    verified_at timestamptz,
    unique (account_id, domain)
  )`,
  // Another account cannot take the domain over.
  'create unique index sso_domain_verified on sso_domain (domain) where verified_at is not null',
  `create table sso_link (
    id uuid primary key,
    account_id uuid not null references account,
    user_id user_ref not null,
    issuer text not null,
    subject personal not null,
    created_at timestamptz not null,
    constraint sso_link_subject unique (account_id, issuer, subject),
    constraint sso_link_user unique (user_id, issuer)
  )`,
  `create table sso_attempt (
    state_hash bytea primary key,
    account_id uuid not null references account,
    browser_hash bytea not null,
    nonce text not null,
    sealed_verifier text not null,
    return_to text not null,
    purpose text not null,
    user_id user_ref,
    session_id uuid,
    expires_at timestamptz not null
  )`,
  'create index sso_attempt_expires on sso_attempt (expires_at)',
  'create index sso_attempt_user on sso_attempt (user_id) where user_id is not null',
);
