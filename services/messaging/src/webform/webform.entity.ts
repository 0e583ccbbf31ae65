import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, tenantRow, userRef } from '#libs/database';

/** Collects what visitors submit for the user that its saving preferences name. */
export const Webform = defineEntity({
  name: 'Webform',
  tableName: 'webform',
  properties: {
    ...tenantRow(),
    name: p.text(),
    userId: userRef(),
    email: personal().nullable(),
    createdAt: p.datetime(),
  },
});
