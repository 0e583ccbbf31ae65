import { migration } from '#libs/database';

/** Sessions whose secret is in a browser's cookie. */
export const browserSessions = migration(
  '0134-browser-sessions',
  `alter table session
    add column browser boolean not null default false,
    add column previous_hash bytea,
    add column rotated_at timestamptz,
    add column confirmed_at timestamptz`,
);
