import { migration } from '#libs/database';

/** `moved_by` is the latest move of the contact. An earlier move, or the same one again, changes nothing. */
export const contactMoves = migration('0110-contact-moves', 'alter table contact add column moved_by uuid');
