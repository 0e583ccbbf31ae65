import { migration } from '#libs/database';

/**
 * The broker's stream that holds the decisions of the last week. `created` is the broker's own text; another one means that
 * the broker has lost its data.
 */
export const userStreams = migration(
  '0051-user-streams',
  `create table user_stream (
    name text primary key,
    created text not null,
    look_after timestamptz not null default '-infinity'
  )`,
);
