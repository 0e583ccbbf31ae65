import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, tenantRow, userRef } from '#libs/database';

/** Talks to visitors by a playbook, in which somebody stands for the account. */
export const Chatbot = defineEntity({
  name: 'Chatbot',
  tableName: 'chatbot',
  properties: {
    ...tenantRow(),
    name: p.text(),
    userId: userRef(),
    email: personal().nullable(),
    createdAt: p.datetime(),
  },
});
