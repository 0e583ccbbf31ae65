import type { Kept } from '#libs/lifecycle/testing';

/** Columns that name a user and are not covered by a rule, each with the reason. */
export const kept: Kept = {
  'contacts_moved.user_id':
    'The row is deleted when the contacts service has applied the move; it checks whether the user has left.',
  'contacts_moved.after_user_id': 'The row is deleted when the contacts service has applied the move.',
};
