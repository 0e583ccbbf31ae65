import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const DocumentTemplate = defineEntity({
  name: 'DocumentTemplate',
  tableName: 'document_template',
  properties: {
    ...tenantRow(),
    title: p.text(),
    storageId: p.uuid(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type DocumentTemplateRow = InferEntity<typeof DocumentTemplate>;

/** The owner's permission for another user to use the template. */
export const TemplateGrant = defineEntity({
  name: 'TemplateGrant',
  tableName: 'template_grant',
  properties: {
    ...tenantRow(),
    templateId: p.uuid(),
    userId: userRef(),
  },
});
