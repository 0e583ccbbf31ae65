import { migration } from '#libs/database';

/** Which sessions an identity provider has begun, so that it can end them. */
export const ssoSessions = migration(
  '0141-sso-sessions',
  `alter table session
    add column sso boolean not null default false,
    add column sso_session_hash bytea`,
);
