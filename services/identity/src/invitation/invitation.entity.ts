import { defineEntity, p } from '@mikro-orm/postgresql';
import { userRef } from '#libs/database';

export const Invitation = defineEntity({
  name: 'Invitation',
  tableName: 'invitation',
  properties: {
    id: p.uuid().primary(),
    userId: userRef(),
    invitedBy: userRef().nullable(),
    /** SHA-256 of the token. */
    hash: p.blob(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    acceptedAt: p.datetime().nullable(),
    revoked: p.boolean().default(false),
    revokedAt: p.datetime().nullable(),
  },
});
