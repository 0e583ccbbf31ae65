import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const Document = defineEntity({
  name: 'Document',
  tableName: 'document',
  properties: {
    ...tenantRow(),
    title: p.text(),
    storageId: p.uuid(),
    ownerId: userRef(),
    dealId: p.uuid().nullable(),
    createdAt: p.datetime(),
  },
});
export type DocumentRow = InferEntity<typeof Document>;
