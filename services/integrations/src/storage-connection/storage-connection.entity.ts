import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const StorageConnection = defineEntity({
  name: 'StorageConnection',
  tableName: 'storage_connection',
  properties: {
    ...tenantRow(),
    provider: p.text(),
    createdAt: p.datetime(),
  },
});
export type StorageConnectionRow = InferEntity<typeof StorageConnection>;

/** A user's access to a storage. */
export const StorageAccess = defineEntity({
  name: 'StorageAccess',
  tableName: 'storage_access',
  properties: {
    ...tenantRow(),
    storageId: p.uuid(),
    userId: userRef(),
  },
});
