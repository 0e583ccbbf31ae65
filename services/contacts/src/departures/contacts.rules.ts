import { RECORD_TYPES } from '#libs/contracts';
import { always, can, deleteRows, keep, owned, rule, transfer, unassign, type Rule } from '#libs/lifecycle';
import { sql } from 'kysely';
import { Contact } from '../contact/contact.entity.js';
import { Filter, FilterCondition } from '../filter/filter.entity.js';
import { CrmRecord } from '../record/record.entity.js';
import { Segment } from '../segment/segment.entity.js';
import { segmentsToCopy } from '../segment/segments-to-copy.js';
import { AttachedFile, Comment, Note } from '../writing/writing.entity.js';

/** Who looks after a contact comes from the customer's own data: it stays until they import it again. */
const assignments = rule('contacts.assignments', 'Contacts assigned to the user', {
  rows: owned(Contact, 'assignee'),
  deactivated: can(keep, unassign, transfer),
  deleted: can(keep, unassign, transfer),
  presets: { texting: { deleted: unassign } },
});

/** What somebody worked on stays theirs, in the end a deleted user's, unless the account hands it on. */
const records = rule('contacts.records', 'Leads, deals, products, activities, projects and tasks', {
  rows: RECORD_TYPES.map((type) => owned(CrmRecord, 'ownerId', { type }, { part: type })),
  deactivated: can(keep, transfer, unassign),
  deleted: can(keep, transfer, unassign),
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

/** The team goes on using them. A deleted filter takes its conditions along. */
const filters = rule('contacts.filters', 'Public filters', {
  rows: owned(Filter, 'ownerId', { visibility: 'public' }),
  deactivated: can(keep, transfer, deleteRows),
  deleted: can(keep, transfer, deleteRows),
});

/** Nobody else has ever seen them: they wait for their owner, as long as there is one. */
const privateFilters = rule('contacts.private-filters', 'Private filters', {
  rows: owned(Filter, 'ownerId', { visibility: 'private' }),
  deactivated: can(keep, deleteRows),
  deleted: can(deleteRows, keep),
});

/** Filters go on naming somebody who has left; new conditions can't. In private filters of their own it is of no account. */
const filterConditions = rule('contacts.filter-conditions', 'Filter conditions that name the user', {
  rows: owned(
    FilterCondition,
    'userId',
    {},
    {
      match: sql`not exists (
        select 1 from filter f where f.id = t.filter_id and f.owner_id = l.user_id and f.visibility = 'private')`,
    },
  ),
  deactivated: always(keep),
  deleted: always(keep),
});

/** What has been written stays, with its author as the directory shows them. */
const writings = rule('contacts.writings', 'Notes, comments and files', {
  rows: [
    owned(Note, 'author', {}, { part: 'note' }),
    owned(Comment, 'author', {}, { part: 'comment' }),
    owned(AttachedFile, 'author', {}, { part: 'file' }),
  ],
  deactivated: always(keep),
  deleted: always(keep),
});

/** What happens to the contacts of somebody who leaves, and to all that hangs on them, in this order. */
export const contactsRules: readonly Rule[] = [
  assignments,
  records,
  segments,
  filters,
  privateFilters,
  filterConditions,
  writings,
];
