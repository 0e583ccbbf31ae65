import { defineEntity, p } from '@mikro-orm/postgresql';
import type { Scope } from '#libs/contracts';
import { userRef } from '#libs/database';

export const ApiToken = defineEntity({
  name: 'ApiToken',
  tableName: 'api_token',
  properties: {
    id: p.uuid().primary(),
    userId: userRef(),
    name: p.text(),
    scopes: p.array().$type<Scope[]>(),
    /** SHA-256 of the secret. */
    hash: p.blob(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime().nullable(),
    expiresAt: p.datetime(),
    revoked: p.boolean().default(false),
    revokedAt: p.datetime().nullable(),
  },
});
