import { Id, Moment, Nested, Num, Pattern, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

const CURRENCY = /^[A-Z]{3}$/;

export class NewInvoice {
  @Text({ about: 'As QuickBooks numbers it.' }) number: string;
  @Num({ about: 'In units of the currency.' }) amount: number;
  @Pattern(CURRENCY, 'a currency code of ISO 4217, like USD') currency: string;
  @Id({ optional: true, about: 'The caller unless given. Has to be connected with QuickBooks.' }) ownerId?: string;
}

export class Invoice {
  @Id() id: string;
  @Text() number: string;
  @Num() amount: number;
  @Pattern(CURRENCY, 'a currency code of ISO 4217, like USD') currency: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class InvoiceQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
}

/** Readable as long as somebody who has not left is connected with QuickBooks, by a storage connection to `quickbooks`. */
export const invoices = resource({
  service: 'integrations',
  path: '/v1/invoices',
  noun: 'a QuickBooks invoice',
  thing: Invoice,
  create: NewInvoice,
  query: InvoiceQuery,
  errors: ['forbidden', 'conflict', 'unknown-user', 'inactive-user'],
});
