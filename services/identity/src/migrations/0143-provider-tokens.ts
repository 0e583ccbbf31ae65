import { migration } from '#libs/database';

/** Tokens with which identity providers have ended sessions. Each counts once. */
export const providerTokens = migration(
  '0143-provider-tokens',
  `create table sso_used_token (
    account_id uuid not null references account,
    hash bytea not null,
    expires_at timestamptz not null,
    primary key (account_id, hash)
  )`,
  'create index sso_used_token_expires on sso_used_token (expires_at)',
);
