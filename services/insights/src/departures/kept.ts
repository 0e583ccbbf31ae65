import type { Kept } from '#libs/lifecycle/testing';

/** Columns that name a user and are not covered by a rule, each with the reason. */
export const kept: Kept = {
  'A goal belongs to its participants; its creator is an id that only the directory resolves to a name.':
    'A goal is the work of its participants; whoever set it is an id that only the directory names.',
};
