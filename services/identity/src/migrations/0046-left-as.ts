import { migration } from '#libs/database';

/** The status from which a deactivated user has left, and which a reactivation gives back. Null for everybody else. */
export const leftAs = migration(
  '0046-left-as',
  `alter table users add column left_as text check (left_as in ('invited', 'active'))`,
  // Earlier versions did not record it. A deactivated user who has been invited, has never accepted and has no password
  // was invited.
  `update users u set left_as = 'invited' where u.status = 'deactivated' and u.password_hash is null
    and exists (select from invitation i where i.user_id = u.id)
    and not exists (select from invitation i where i.user_id = u.id and i.accepted_at is not null)`,
);
