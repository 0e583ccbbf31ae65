import { Id, Ids, ListOf, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';
import { Document } from './documents.js';

const service = 'integrations';
const GRANTED = 'Who may use it beside its owner. They need access to its storage, too.';

export class NewDocumentTemplate {
  @Text() title: string;
  @Id({ about: 'The storage connection where it is hosted. The owner needs access to it.' }) storageId: string;
  @Id({ optional: true, about: 'The caller unless given.' }) ownerId?: string;
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

/** Only for the owner and whoever was granted permission; a list leaves out what the caller may not use. */
export const documentTemplates = resource({
  service,
  path: '/v1/document-templates',
  noun: 'a document template that one may use',
  thing: DocumentTemplate,
  create: NewDocumentTemplate,
  query: DocumentTemplateQuery,
  errors: ['forbidden', 'unknown-reference', 'unknown-user', 'inactive-user'],
});

export class DocumentTemplateChanges {
  @Text({ optional: true }) title?: string;
  @Ids({ optional: true, about: `${GRANTED} Nobody else from now on.` }) grantedUserIds?: string[];
}

export const documentTemplateUpdate = operation<DocumentTemplate, DocumentTemplateChanges>({
  id: 'document-templates.update',
  service,
  method: 'PATCH',
  path: '/v1/document-templates/:id',
  summary: 'Rename a document template or say who may use it; for its owner, as long as they have not left',
  body: DocumentTemplateChanges,
  answer: DocumentTemplate,
  errors: ['not-found', 'forbidden', 'conflict', 'unknown-user', 'inactive-user'],
});

export class DocumentTemplateUse {
  @Text({ optional: true, about: "The document's; the template's unless given." }) title?: string;
  @Id({ optional: true, nullable: true }) dealId?: string | null;
}

export const documentTemplateUse = operation<Document, DocumentTemplateUse>({
  id: 'document-templates.use',
  service,
  method: 'POST',
  path: '/v1/document-templates/:id/use',
  summary: "Make a document of one's own from a template, in the same storage",
  body: DocumentTemplateUse,
  bodyOptional: true,
  answer: Document,
  errors: ['not-found', 'forbidden', 'inactive-user'],
});
