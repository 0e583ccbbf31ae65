import { migration } from '#libs/database';

/**
 * Suspended users. Replicas of the former version ignore the column: until all are new, a suspended user can sign in at an old
 * one. A departure clears it, and so does a reactivation, in case an old replica has decided the departure.
 */
export const suspensions = migration(
  '0102-suspensions',
  'alter table users add column suspended_at timestamptz',
  'create index users_suspended on users (account_id, id) where suspended_at is not null',
  `alter table account add column scim_inactive text not null default 'deactivate'
    check (scim_inactive in ('deactivate', 'suspend'))`,
);
