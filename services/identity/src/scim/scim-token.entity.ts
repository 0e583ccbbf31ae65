import { defineEntity, p } from '@mikro-orm/postgresql';
import { userRef } from '#libs/database';

export const ScimToken = defineEntity({
  name: 'ScimToken',
  tableName: 'scim_token',
  properties: {
    id: p.uuid().primary(),
    accountId: p.uuid(),
    /** Null for tokens from before the creator was recorded. */
    createdBy: userRef().nullable(),
    name: p.text(),
    /** SHA-256 of the secret. */
    hash: p.blob(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime().nullable(),
    expiresAt: p.datetime(),
    /** When the audit trail last got an entry about the use of the token. */
    useRecordedAt: p.datetime().nullable(),
  },
});
