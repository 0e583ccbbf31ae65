import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { BulkApprovals } from '../bulk/approval/bulk-approvals.js';
import { ApprovalStore } from '../../store/approvals/approval-store.js';

const BATCH_SIZE = 200;
/** Each has up to 10,000 rows. */
const LISTS = 10;

/** Ends what nobody has approved in time. Delays do no harm, because an approval also checks the expiry. */
@Injectable()
export class ApprovalExpiryWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly store: ApprovalStore,
    private readonly lists: BulkApprovals,
    context: WorkerContext,
  ) {
    super(context, { name: 'approval-expiry' });
  }

  protected async step(): Promise<boolean> {
    const expired = await this.em.fork().transactional(() => this.store.expire(BATCH_SIZE));
    const lists = await this.em.fork().transactional(() => this.lists.expire(LISTS));
    return expired === BATCH_SIZE || lists === LISTS;
  }
}
