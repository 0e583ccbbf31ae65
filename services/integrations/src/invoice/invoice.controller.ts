import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { invoices, Problem, QUICKBOOKS, type Call, type NewInvoice } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource } from '#libs/platform';
import { Storages } from '../storage-connection/storages.js';
import { Invoice, type InvoiceRow } from './invoice.entity.js';

const HOW_TO_CONNECT = `Connect with QuickBooks first: POST /v1/storage-connections with the provider \`${QUICKBOOKS}\`.`;

const base = plainResource(invoices, {
  entity: Invoice,
  shown: ['number', 'amount', 'currency', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

/**
 * Invoices are readable while at least one active user of the account is connected with QuickBooks: the owner, or
 * another user once the owner has left.
 */
@Controller()
export class InvoiceController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly storages: Storages,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare({ body, principal }: Call): Promise<Partial<InvoiceRow>> {
    const { ownerId = principal.userId, ...values } = body as NewInvoice;
    await this.directory.requireActive(principal.accountId, [ownerId]);
    if (!(await this.storages.isConnected(principal.accountId, QUICKBOOKS, ownerId)))
      throw new Problem('conflict', { detail: `The owner is not connected. ${HOW_TO_CONNECT}`, items: [ownerId] });
    return { ...values, ownerId };
  }

  override async present(rows: readonly InvoiceRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    if (rows.length > 0) await this.requireConnection(call.principal.accountId);
    return super.present(rows, call);
  }

  override async discard(invoice: InvoiceRow, call: Pick<Call, 'principal'>): Promise<void> {
    await this.requireConnection(invoice.accountId);
    await super.discard(invoice, call);
  }

  /** @throws Problem `forbidden` when no active user of the account is connected */
  private async requireConnection(accountId: string): Promise<void> {
    if (await this.storages.isConnected(accountId, QUICKBOOKS)) return;
    throw new Problem('forbidden', {
      detail: `No active user of this account is connected with QuickBooks. ${HOW_TO_CONNECT}`,
    });
  }
}
