import type { Kept } from '#libs/lifecycle/testing';

/** Columns with a person in them that stay as they are, each with its reason. */
export const kept: Kept = {
  'goal.owner_id': 'A goal is the work of its participants; whoever set it is an id that only the directory names.',
};
