import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, tenantRow, userRef } from '#libs/database';

/** Talks to visitors by a playbook that names a user of the account as the contact person. */
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
