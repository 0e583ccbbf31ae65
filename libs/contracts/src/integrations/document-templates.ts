import { Id, Ids, ListOf, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';
import { Document } from './documents.js';

const service = 'integrations';
const GRANTED = 'Other users who may use it. They also need access to its storage.';

export class NewDocumentTemplate {
  @Text() title: string;
  @Id({ about: 'The storage connection that hosts it. The owner needs access to it.' }) storageId: string;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
  @Ids({ optional: true, about: GRANTED }) grantedUserIds?: string[];
}

export class DocumentTemplate {
  @Id() id: string;
  @Text() title: string;
  @Id() storageId: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Ids({ about: GRANTED }) grantedUserIds: string[];
  @ListOf(() => UserView) grantedUsers: UserView[];
  @Moment() createdAt: string;
}

export class DocumentTemplateQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @Id({ optional: true }) storageId?: string;
}

export class DocumentTemplateChanges {
  @Text({ optional: true }) title?: string;
  @Id({ optional: true, about: 'Hands it over to this user, who needs access to its storage.' }) ownerId?: string;
  @Ids({ optional: true, about: `${GRANTED} Replaces the list.` }) grantedUserIds?: string[];
}

/** For the owner and users with permission. Lists leave out templates that the signed-in user may not use. */
export const documentTemplates = resource({
  service,
  path: '/v1/document-templates',
  access: {
    create: 'record-grantee',
    list: 'signed-in',
    get: 'record-grantee',
    remove: 'record-grantee',
    update: 'record-owner',
  },
  noun: 'a document template',
  plural: 'the document templates that you may use',
  thing: DocumentTemplate,
  create: NewDocumentTemplate,
  query: DocumentTemplateQuery,
  errors: ['forbidden', 'unknown-reference', 'unknown-user', 'inactive-user'],
  update: DocumentTemplateChanges,
  updateSummary: 'Change the title of a document template or who may use it, or hand it over; for its owner',
  updateErrors: ['forbidden', 'conflict', 'unknown-user', 'inactive-user'],
});

export class DocumentTemplateUse {
  @Text({ optional: true, about: 'The title of the document. Default: that of the template.' }) title?: string;
  @Id({ optional: true, nullable: true }) dealId?: string | null;
}

export const documentTemplateUse = operation<Document, DocumentTemplateUse>({
  id: 'document-templates.use',
  service,
  method: 'POST',
  access: 'record-grantee',
  path: '/v1/document-templates/:id/use',
  summary: 'Create a document from a template in the same storage',
  body: DocumentTemplateUse,
  bodyOptional: true,
  answer: Document,
  errors: ['not-found', 'forbidden', 'inactive-user'],
});
