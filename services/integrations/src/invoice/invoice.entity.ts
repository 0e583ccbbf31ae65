import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const Invoice = defineEntity({
  name: 'Invoice',
  tableName: 'invoice',
  properties: {
    ...tenantRow(),
    number: p.text(),
    amount: p.decimal('number'),
    currency: p.text(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type InvoiceRow = InferEntity<typeof Invoice>;
