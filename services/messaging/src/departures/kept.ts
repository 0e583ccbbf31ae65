import type { Kept } from '#libs/lifecycle/testing';

/** Columns with a person in them that stay as they are, each with its reason. */
export const kept: Kept = {
  'message_inbox.owner_id':
    'A personal inbox stays with the conversations in it; its owner is an id that only the directory gives a name.',
};
