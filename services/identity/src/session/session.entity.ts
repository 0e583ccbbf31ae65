import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, userRef } from '#libs/database';

/** One sign-in on one device, extended by refresh tokens of one family. */
export const Session = defineEntity({
  name: 'Session',
  tableName: 'session',
  properties: {
    id: p.uuid().primary(),
    userId: userRef(),
    /** SHA-256 of the part that all refresh tokens of the session share. */
    family: p.blob(),
    /** SHA-256 of the only valid refresh token. */
    refreshHash: p.blob(),
    ip: personal().nullable(),
    userAgent: personal().nullable(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime(),
    expiresAt: p.datetime(),
    /** When the user last gave the password. */
    provenAt: p.datetime().nullable(),
    revoked: p.boolean().default(false),
    revokedAt: p.datetime().nullable(),
    /** True if the user's other sessions stay open, so that the epoch does not change. */
    revokedAlone: p.boolean(),
  },
});
