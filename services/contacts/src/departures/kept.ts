import type { Kept } from '#libs/lifecycle/testing';

/** Columns with a person in them that stay as they are, each with its reason. */
export const kept: Kept = {
  'segment_use.user_id':
    'Says who depends on a segment, so that it is not removed unawares; shown through the directory, and gone with the segment.',
  'contact_import.imported_by': 'The history of imports says who ran them; shown through the directory.',
  'contact_import_unmatched.user_id':
    'Stands for the staff id of somebody who had left: the id itself is read in the directory, as long as it is there.',
  'contact_import_unmatched.value':
    'What a file says where it names nobody: a value that belongs to a person is kept as a reference instead, or becomes one when that person is deleted.',
};
