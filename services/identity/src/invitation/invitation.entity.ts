import { defineEntity, p } from '@mikro-orm/postgresql';
import { userRef } from '#libs/database';

export const Invitation = defineEntity({
  name: 'Invitation',
  tableName: 'invitation',
  properties: {
    id: p.uuid().primary(),
    userId: userRef(),
    invitedBy: userRef().nullable(),
    /** SHA-256 of the token in the answer to the inviter, or of that in the mail. */
    hash: p.blob(),
    /** SHA-256 of the token in the mail. */
    mailedHash: p.blob().nullable(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    acceptedAt: p.datetime().nullable(),
    revoked: p.boolean().default(false),
    revokedAt: p.datetime().nullable(),
  },
});
