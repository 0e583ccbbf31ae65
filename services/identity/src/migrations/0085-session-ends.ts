import { migration } from '#libs/database';

/**
 * Ended sessions that have not been published yet. Triggers write the rows, so that no change of an epoch can leave one
 * out, also not one by an older replica. A row lives for a fraction of a second, so vacuum runs by an absolute threshold.
 */
export const sessionEnds = migration(
  '0085-session-ends',
  `create table session_end (
    id bigint generated always as identity primary key,
    user_id user_ref not null,
    epoch integer,
    session_id uuid,
    ended_at timestamptz not null default clock_timestamp(),
    check ((epoch is null) <> (session_id is null))
  ) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0
  )`,
  `create function record_raised_epoch() returns trigger language plpgsql as $$ begin
    insert into session_end (user_id, epoch) values (new.id, new.session_epoch);
    return null;
  end $$`,
  `create trigger session_epoch_raised after update of session_epoch on users
    for each row when (new.session_epoch > old.session_epoch) execute function record_raised_epoch()`,
  `create function record_ended_session() returns trigger language plpgsql as $$ begin
    insert into session_end (user_id, session_id) values (new.user_id, new.id);
    return null;
  end $$`,
  `create trigger session_ended_alone after update of revoked_at on session
    for each row when (new.revoked_alone and old.revoked_at is null and new.revoked_at is not null)
    execute function record_ended_session()`,
);
