import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, userRef } from '#libs/database';

/** The address that a user has asked for and not confirmed yet. */
export const EmailChange = defineEntity({
  name: 'EmailChange',
  tableName: 'email_change',
  properties: {
    userId: userRef().primary(),
    email: personal(),
    /** SHA-256 of the token. */
    hash: p.blob(),
    expiresAt: p.datetime(),
  },
});
