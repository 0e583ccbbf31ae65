import { defineEntity, p } from '@mikro-orm/postgresql';
import { userRef } from '#libs/database';

export const PasswordReset = defineEntity({
  name: 'PasswordReset',
  tableName: 'password_reset',
  properties: {
    id: p.uuid().primary(),
    userId: userRef(),
    /** SHA-256 of the token. */
    hash: p.blob(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
  },
});
