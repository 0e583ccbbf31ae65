import { Id, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

const service = 'integrations';

export class NewDocument {
  @Text() title: string;
  @Id({ about: 'The storage connection that hosts it. The owner needs access to it.' }) storageId: string;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
  @Id({ optional: true, nullable: true }) dealId?: string | null;
}

export class Document {
  @Id() id: string;
  @Text() title: string;
  @Id() storageId: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Id({ nullable: true }) dealId: string | null;
  @Moment() createdAt: string;
}

export class DocumentQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @Id({ optional: true }) storageId?: string;
  @Id({ optional: true }) dealId?: string;
}

export class DocumentChanges {
  @Text({ optional: true }) title?: string;
  @Id({
    optional: true,
    about: 'Hands it over to this user, who needs access to its storage; for its owner, and owners and admins.',
  })
  ownerId?: string;
  @Id({ optional: true, nullable: true }) dealId?: string | null;
}

/** For users with access to the storage that hosts it. Lists leave out documents in other storage. */
export const documents = resource({
  service,
  path: '/v1/documents',
  access: {
    create: 'record-grantee',
    list: 'signed-in',
    get: 'record-grantee',
    remove: 'record-grantee',
    update: 'record-grantee',
  },
  noun: 'a document',
  plural: 'the documents in storage that you have access to',
  thing: Document,
  create: NewDocument,
  query: DocumentQuery,
  errors: ['forbidden', 'unknown-reference', 'unknown-user', 'inactive-user'],
  update: DocumentChanges,
  updateSummary: 'Change a document; for users with access to its storage',
  updateErrors: ['forbidden', 'unknown-user', 'inactive-user'],
});
