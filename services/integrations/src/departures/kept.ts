import type { Kept } from '#libs/lifecycle/testing';

/** Columns with a person in them that stay as they are, each with its reason. */
export const kept: Kept = {
  'storage_access.user_id':
    'The storage outside decides on access, and takes it away itself. Here whoever has left counts for nothing and calls nothing; who returns works on as before.',
  'template_grant.user_id':
    'Permission to use a template is of no use to somebody who has left; who returns has it as before.',
};
