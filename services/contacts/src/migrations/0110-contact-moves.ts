import { migration } from '#libs/database';

/** The latest move that a contact has made with a number: an earlier one, or the same once more, changes nothing. */
export const contactMoves = migration('0110-contact-moves', 'alter table contact add column moved_by uuid');
