import type { Kept } from '#libs/lifecycle/testing';

/** Columns with a person in them that stay as they are, each with its reason. */
export const kept: Kept = {
  'assignment.user_id': 'Whose turn it was is history; the person is an id that only the directory gives a name.',
  'automation_run.user_id':
    'For whom an automation ran is history; the person is an id that only the directory gives a name.',
};
