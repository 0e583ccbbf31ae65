import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, OWNED, resource, UserView } from '../operation.js';

const service = 'contacts';

export const RECORD_TYPES = ['lead', 'deal', 'product', 'activity', 'project', 'task'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

export class NewCrmRecord {
  @OneOf(RECORD_TYPES) type: RecordType;
  @Text() title: string;
  @Id({ optional: true, nullable: true, about: 'Default: the signed-in user. Null for none.' }) ownerId?: string | null;
  @Id({ optional: true, nullable: true, about: 'The contact that the record is about.' }) contactId?: string | null;
}

export class CrmRecordChanges {
  @Text({ optional: true }) title?: string;
  @Id({ optional: true, nullable: true, about: 'Null removes the owner.' }) ownerId?: string | null;
}

export class CrmRecord {
  @Id() id: string;
  @OneOf(RECORD_TYPES) type: RecordType;
  @Text() title: string;
  @Id({ nullable: true }) ownerId: string | null;
  @Nested(() => UserView, { nullable: true }) owner: UserView | null;
  @Id({ nullable: true, about: 'Also null if the contact has been removed.' }) contactId: string | null;
  @Moment() createdAt: string;
}

export class CrmRecordQuery extends ListQuery {
  @OneOf(RECORD_TYPES, { optional: true }) type?: RecordType;
  @PersonFilter('Id of the owner, `me`, or `none`.') ownerId?: string;
  @Id({ optional: true }) contactId?: string;
}

/** CRM records: leads, deals, products, activities, projects and tasks. */
export const records = resource({
  service,
  path: '/v1/records',
  access: OWNED,
  noun: 'a record',
  plural: 'records',
  thing: CrmRecord,
  create: NewCrmRecord,
  query: CrmRecordQuery,
  errors: ['unknown-reference', 'unknown-user', 'inactive-user'],
  update: CrmRecordChanges,
  updateSummary: 'Change the title or the owner of a record',
  updateErrors: ['unknown-user', 'inactive-user'],
});
