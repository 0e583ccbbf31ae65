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
    /** SHA-256 of the newest refresh token, or of the newest secret of a browser. */
    refreshHash: p.blob(),
    /** Whether a browser holds its secret in a cookie. Otherwise it has refresh tokens. */
    browser: p.boolean().default(false),
    /** SHA-256 of a browser's former secret. */
    previousHash: p.blob().nullable(),
    /** When a browser's newest secret was issued. Null: with the session. */
    rotatedAt: p.datetime().nullable(),
    /** When a browser's newest secret was first used. */
    confirmedAt: p.datetime().nullable(),
    /** Whether an identity provider has signed the user in. */
    sso: p.boolean().default(false),
    /** SHA-256 of the provider's id of its session, if it has told it. */
    ssoSessionHash: p.blob().nullable(),
    ip: personal().nullable(),
    userAgent: personal().nullable(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime(),
    expiresAt: p.datetime(),
    /** When the user last proved who they are. */
    provenAt: p.datetime().nullable(),
    revoked: p.boolean().default(false),
    revokedAt: p.datetime().nullable(),
    /** True if the user's other sessions stay open, so that the epoch does not change. */
    revokedAlone: p.boolean(),
  },
});
