import { Id, Moment, Nested, Num, Pattern, PersonFilter, Text } from '../fields.js';
import { ListQuery, OWNED, resource, UserView } from '../operation.js';

const CURRENCY = /^[A-Z]{3}$/;

export class NewInvoice {
  @Text({ about: 'The invoice number in QuickBooks.' }) number: string;
  @Num({ about: 'In units of the currency, like 9.99.' }) amount: number;
  @Pattern(CURRENCY, 'an ISO 4217 currency code, like USD') currency: string;
  @Id({ optional: true, about: 'Default: the signed-in user. The owner has to be connected to QuickBooks.' })
  ownerId?: string;
}

export class Invoice {
  @Id() id: string;
  @Text() number: string;
  @Num() amount: number;
  @Pattern(CURRENCY, 'an ISO 4217 currency code, like USD') currency: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class InvoiceQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
}

/** Readable while a user who has not left is connected to QuickBooks through a storage connection to `quickbooks`. */
export const invoices = resource({
  service: 'integrations',
  path: '/v1/invoices',
  access: OWNED,
  noun: 'a QuickBooks invoice',
  plural: 'QuickBooks invoices',
  thing: Invoice,
  create: NewInvoice,
  query: InvoiceQuery,
  errors: ['forbidden', 'conflict', 'unknown-user', 'inactive-user'],
});
