import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, userRef } from '#libs/database';

/** One sign-in on one device, kept alive by refresh tokens of one family. */
export const Session = defineEntity({
  name: 'Session',
  tableName: 'session',
  properties: {
    id: p.uuid().primary(),
    userId: userRef(),
    /** SHA-256 of the part that all refresh tokens of the session share. */
    family: p.blob(),
    /** SHA-256 of the one refresh token that is good. */
    refreshHash: p.blob(),
    ip: personal().nullable(),
    userAgent: personal().nullable(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime(),
    expiresAt: p.datetime(),
    revoked: p.boolean().default(false),
    revokedAt: p.datetime().nullable(),
    /** The user's other sessions go on, so the epoch does not tell. */
    revokedAlone: p.boolean(),
  },
});
