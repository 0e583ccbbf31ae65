import type { Kept } from '#libs/lifecycle/testing';

/** Columns that name a user and are not covered by a rule, each with the reason. */
export const kept: Kept = {
  'goal.owner_id':
    'A goal belongs to its participants; its creator is an id that only the directory resolves to a name.',
};
