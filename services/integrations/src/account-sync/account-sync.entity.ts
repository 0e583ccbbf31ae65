import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { SyncKind, SyncStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const AccountSync = defineEntity({
  name: 'AccountSync',
  tableName: 'account_sync',
  properties: {
    ...tenantRow(),
    kind: p.text().$type<SyncKind>(),
    provider: p.text(),
    ownerId: userRef(),
    status: p.text().$type<SyncStatus>(),
    /** Encrypted; null if nothing was granted and once the sync is stopped. */
    sealedGrant: p.text().nullable(),
    createdAt: p.datetime(),
    /** When it was last started again. */
    grantedAt: p.datetime().nullable(),
    stoppedAt: p.datetime().nullable(),
  },
});
export type AccountSyncRow = InferEntity<typeof AccountSync>;
