import { RECORD_TYPES } from '#libs/contracts';
import { always, can, deleteRows, disable, keep, owned, rule, transfer, unassign, type Rule } from '#libs/lifecycle';
import { sql } from 'kysely';
import { Contact } from '../contact/contact.entity.js';
import { Filter, FilterCondition } from '../filter/filter.entity.js';
import { foldersOfLeaver } from '../import-source/folders-of-leaver.js';
import { ImportSource } from '../import-source/import-source.entity.js';
import { CrmRecord } from '../record/record.entity.js';
import { Segment } from '../segment/segment.entity.js';
import { segmentsToCopy } from '../segment/segments-to-copy.js';
import { AttachedFile, Comment, Note } from '../writing/writing.entity.js';
import { shown } from './shown.js';

/** Assignments come from the customer's own data, so by default they stay until the next import. */
const assignments = rule('contacts.assignments', 'Contacts assigned to the user', {
  rows: owned(Contact, 'assignee', {}, { shown: shown.contact }),
  deactivated: can(keep, unassign, transfer),
  deleted: can(keep, unassign, transfer),
  presets: { texting: { deleted: unassign } },
});

/** By default records keep their owner, who is shown as a deleted user after the deletion. */
const records = rule('contacts.records', 'Leads, deals, products, activities, projects and tasks', {
  rows: RECORD_TYPES.map((type) => owned(CrmRecord, 'ownerId', { type }, { part: type, shown: shown.record(type) })),
  deactivated: can(keep, transfer, unassign),
  deleted: can(keep, transfer, unassign),
});

/** Segments are shared with the team, so the preview lists who uses those that will be deleted. */
const segments = rule('contacts.segments', 'Segments', {
  rows: owned(Segment, 'ownerId', {}, { shown: shown.segment }),
  deactivated: can(keep, deleteRows, transfer),
  deleted: can(keep, deleteRows, transfer),
  presets: { texting: { deleted: deleteRows } },
  explain: segmentsToCopy,
  warning: true,
});

/** The team continues to use public filters, so by default they stay. Deleting a filter deletes its conditions. */
const filters = rule('contacts.filters', 'Public filters', {
  rows: owned(Filter, 'ownerId', { visibility: 'public' }, { shown: shown.filter }),
  deactivated: can(keep, transfer, deleteRows),
  deleted: can(keep, transfer, deleteRows),
});

/** Only the owner sees private filters: they are kept until the owner is deleted. */
const privateFilters = rule('contacts.private-filters', 'Private filters', {
  rows: owned(Filter, 'ownerId', { visibility: 'private' }, { shown: shown.filter }),
  deactivated: can(keep, deleteRows),
  deleted: can(deleteRows, keep),
});

/**
 * Existing conditions can name a user who has left; new ones cannot. Conditions in the leaver's own private filters are
 * not counted.
 */
const filterConditions = rule('contacts.filter-conditions', 'Filter conditions that name the user', {
  rows: owned(
    FilterCondition,
    'userId',
    {},
    {
      shown: shown.filterCondition,
      match: sql`not exists (
        select 1 from filter f where f.id = t.filter_id and f.owner_id = l.user_id and f.visibility = 'private')`,
    },
  ),
  deactivated: always(keep),
  deleted: always(keep),
});

/** Nothing is imported for a user who has left: another user takes over the folder, or it is no longer polled. */
const importSources = rule('contacts.import-sources', 'Import sources (FTP and SFTP folders)', {
  rows: owned(
    ImportSource,
    'ownerId',
    {},
    { grantedAt: sql`coalesce(t.granted_at, t.created_at)`, shown: shown.importSource },
  ),
  // The password is often the former person's own. A run in progress loses its claim with its `runId`.
  transferred: always(disable({ active: false, password: null, runId: null, leaseUntil: null })),
  deactivated: can(transfer, disable({ active: false })),
  deleted: can(transfer, disable({ active: false })),
  explain: foldersOfLeaver,
  warning: true,
});

/** Notes, comments and files stay. The author is shown as in the directory. */
const writings = rule('contacts.writings', 'Notes, comments and files', {
  rows: [
    owned(Note, 'author', {}, { part: 'note', shown: shown.note }),
    owned(Comment, 'author', {}, { part: 'comment', shown: shown.comment }),
    owned(AttachedFile, 'author', {}, { part: 'file', shown: shown.file }),
  ],
  deactivated: always(keep),
  deleted: always(keep),
});

/** The rules of this service, in the order in which they run. */
export const contactsRules: readonly Rule[] = [
  assignments,
  records,
  segments,
  filters,
  privateFilters,
  filterConditions,
  importSources,
  writings,
];
