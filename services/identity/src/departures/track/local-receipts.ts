import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Receipt } from '#libs/contracts';
import { Receipts, RuleSet } from '#libs/lifecycle';
import { ReceiptFolding } from './receipt-folding.js';

/** Folds receipts of identity's own tasks directly, without the broker. */
@Injectable()
export class LocalReceipts extends Receipts {
  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly folding: ReceiptFolding,
  ) {
    super();
  }

  override async send(receipts: readonly Receipt[]): Promise<boolean> {
    if (receipts.length > 0) await this.em.fork().transactional(() => this.folding.fold(this.rules.service, receipts));
    return true;
  }
}
