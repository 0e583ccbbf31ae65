import type { Kept } from '#libs/lifecycle/testing';

/** Columns that name a user and are not covered by a rule, each with the reason. */
export const kept: Kept = {
  'assignment.user_id': 'History: who had the turn. The column holds only an id; names come from the directory.',
  'automation_run.user_id':
    'History: for whom the automation ran. The column holds only an id; names come from the directory.',
};
