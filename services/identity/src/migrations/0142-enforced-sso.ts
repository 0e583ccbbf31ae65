import { migration } from '#libs/database';

/** Accounts in which passwords no longer count, except that of one owner. */
export const enforcedSso = migration(
  '0142-enforced-sso',
  `alter table sso_connection
    add column enforced boolean not null default false,
    add column break_glass_id user_ref`,
);
