import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const Contact = defineEntity({
  name: 'Contact',
  tableName: 'contact',
  properties: {
    ...tenantRow(),
    externalId: p.text().nullable(),
    name: p.text().nullable(),
    phone: p.text().nullable(),
    email: p.text().nullable(),
    assignee: userRef().nullable(),
    createdAt: p.datetime(),
  },
});
export type ContactRow = InferEntity<typeof Contact>;
