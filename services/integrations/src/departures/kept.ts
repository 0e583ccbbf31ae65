import type { Kept } from '#libs/lifecycle/testing';

/** Columns that name a user and are not covered by a rule, each with the reason. */
export const kept: Kept = {
  'storage_access.user_id':
    'The external storage controls access and revokes it itself. Here a user who has left is not counted and cannot call anything; a user who returns has access as before.',
  'template_grant.user_id': 'A user who has left cannot use the permission; a user who returns has it as before.',
};
