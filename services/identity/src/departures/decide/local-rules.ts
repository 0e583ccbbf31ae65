import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureTransition, Receipt, UserEvent } from '#libs/contracts';
import { EventProcessor } from '#libs/lifecycle';
import { CareEvents } from '../../user/care-events.js';
import { RuleEffects } from '../effects/rule-effects.js';
import { ReceiptFolding } from '../track/receipt-folding.js';
import { EndedAccess } from './ended-access.js';
import { Erasure } from './erasure.js';

/** Applies decisions to identity's own data, in the transaction of the decision. */
@Injectable()
export class LocalRules {
  constructor(
    private readonly em: EntityManager,
    private readonly processor: EventProcessor,
    private readonly access: EndedAccess,
    private readonly erasure: Erasure,
    private readonly effects: RuleEffects,
    private readonly care: CareEvents,
    private readonly folding: ReceiptFolding,
  ) {}

  /**
   * Runs identity's rules, ends access, erases personal data on a deletion, and folds the receipts. A reassignment ends
   * nothing: the user stays.
   */
  async apply(transition: DepartureTransition, events: readonly UserEvent[]): Promise<void> {
    const ids = events.map(({ data }) => data.userId);
    if (transition === 'reassigned') return this.folding.fold('identity', await this.run(events));
    const caredFor = await this.care.caredForBy(ids);
    const receipts = await this.run(events);
    await this.access.endMailedLinks(ids);
    if (transition === 'reactivated') await this.access.revokeRest(ids);
    else {
      await this.access.renewClaims(ids);
      if (transition !== 'transferred') await this.effects.recordKept(ids);
    }
    if (transition === 'deleted') await this.erasure.erase(events);
    await this.care.publishChanged(ids, caredFor);
    await this.folding.fold('identity', receipts);
  }

  private run(events: readonly UserEvent[]): Promise<Receipt[]> {
    return this.processor.applyDecided(this.em.getKysely(), events);
  }

  /** Runs the steps again that have failed, and folds the receipts. */
  async retry(events: readonly UserEvent[]): Promise<void> {
    await this.folding.fold('identity', await this.processor.resumeDecided(this.em.getKysely(), events));
  }
}
