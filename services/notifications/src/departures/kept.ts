import type { Kept } from '#libs/lifecycle/testing';

/** Columns that name a user and are not covered by a rule, each with the reason. */
export const kept: Kept = {
  'mail.user_id':
    'The row is deleted in the transaction of a deletion. A rule would count mails that come and go, and previews would be stale all the time.',
};
