import type { Kept } from '#libs/lifecycle/testing';

/** Personal columns that no rule changes, each with the reason. */
export const kept: Kept = {
  'segment_use.user_id':
    'Shows who uses a segment before it is deleted; names come from the directory, and the row is deleted with the segment.',
  'contact_move.user_id':
    'An id: whose departure has moved contacts, and how many. A deletion leaves only the counts of its own moves.',
  'contact_move.assignee': 'An id: who got the contacts. The row is deleted with the leaver.',
  'contact_before.assignee':
    'An id: who gets the contact back when the leaver returns. A user who has left gets none; the row is deleted with the leaver.',
  'contact_import.imported_by':
    'The history of imports shows who ran them; names come from the directory. An import stops when its user has left.',
  'contact_import_unmatched.user_id':
    'Stands for the staff id of a user who had left; the staff id is read from the directory until the user is deleted.',
  'contact_import_unmatched.value':
    'A value of a file that matches no user. A value that belongs to a user is stored as a reference, or becomes one when that user is deleted.',
};
