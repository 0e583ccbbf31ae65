import type { Kept } from '#libs/lifecycle/testing';

/** Columns that name a user and are not covered by a rule, each with the reason. */
export const kept: Kept = {
  'The row is deleted when the contacts service has applied the move; it checks whether the user has left.':
    'Gone when the contacts service has done it, which checks whether the person has left.',
  'The row is deleted when the contacts service has applied the move.': 'Gone when the contacts service has done it.',
};
