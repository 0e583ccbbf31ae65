import type { Kept } from '#libs/lifecycle/testing';

/** Columns with a person in them that stay as they are, each with its reason. */
export const kept: Kept = {
  'contacts_moved.user_id': 'Gone when the contacts service has done it, which checks whether the person has left.',
  'contacts_moved.after_user_id': 'Gone when the contacts service has done it.',
};
