import { can, deleteRows, keep, owned, rule, transfer, unassign, type Rule } from '#libs/lifecycle';
import { Contact } from '../contact/contact.entity.js';
import { Segment } from '../segment/segment.entity.js';
import { segmentsToCopy } from '../segment/segments-to-copy.js';

/** Who looks after a contact comes from the customer's own data: it stays until they import it again. */
const assignments = rule('contacts.assignments', 'Contacts assigned to the user', {
  rows: owned(Contact, 'assignee'),
  deactivated: can(keep, unassign, transfer),
  deleted: can(keep, unassign, transfer),
  presets: { texting: { deleted: unassign } },
});

/** Segments are shared with the team: before any are deleted, their users get to know. */
const segments = rule('contacts.segments', 'Segments', {
  rows: owned(Segment, 'ownerId'),
  deactivated: can(keep, deleteRows, transfer),
  deleted: can(keep, deleteRows, transfer),
  presets: { texting: { deleted: deleteRows } },
  explain: segmentsToCopy,
  warning: true,
});

/** What happens to the contacts and segments of somebody who leaves, in this order. */
export const contactsRules: readonly Rule[] = [assignments, segments];
