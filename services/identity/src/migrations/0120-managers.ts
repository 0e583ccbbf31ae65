import { migration } from '#libs/database';

/**
 * Who a user reports to. Replicas of the former version do not know the column: until all are new, a deletion may leave the id
 * of a deleted manager, who cannot become a successor.
 */
export const managers = migration(
  '0120-managers',
  'alter table users add column manager_id user_ref check (manager_id <> id)',
  'create index users_manager on users (manager_id) where manager_id is not null',
);
