import { defineEntity, p } from '@mikro-orm/postgresql';
import { userRef } from '#libs/database';

export const ApiToken = defineEntity({
  name: 'ApiToken',
  tableName: 'api_token',
  properties: {
    id: p.uuid().primary(),
    userId: userRef(),
    name: p.text(),
    /** SHA-256 of the secret. */
    hash: p.blob(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime().nullable(),
    revoked: p.boolean().default(false),
    revokedAt: p.datetime().nullable(),
  },
});
