import type { Kept } from '#libs/lifecycle/testing';

/** Columns that name a user and are not covered by a rule, each with the reason. */
export const kept: Kept = {
  'History: who had the turn. The column holds only an id; names come from the directory.':
    'Whose turn it was is history; the person is an id that only the directory gives a name.',
  'automation_run.user_id':
    'History: for whom the automation ran. The column holds only an id; names come from the directory.',
};
