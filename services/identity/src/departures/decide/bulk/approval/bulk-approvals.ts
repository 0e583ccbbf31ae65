import { Injectable } from '@nestjs/common';
import { Problem, type BulkApprovalRequest, type Principal } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Actors } from '../../../../user/actors.js';
import { ApprovalStore } from '../../../store/approvals/approval-store.js';
import { SYSTEM } from '../../../store/departure-store.js';
import { BulkWorker } from '../bulk.worker.js';
import { PlannedLists } from '../dry-run/planned-lists.js';
import { ListPlans } from './list-plans.js';
import { WaitingLists, type WaitingList } from './waiting-lists.js';

/** Approves and refuses lists that wait, as a whole. */
@Injectable()
export class BulkApprovals {
  constructor(
    private readonly lists: WaitingLists,
    private readonly plans: ListPlans,
    private readonly planned: PlannedLists,
    private readonly store: ApprovalStore,
    private readonly actors: Actors,
    private readonly worker: BulkWorker,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts again what the dry run of the list has shown, before the transaction of `approve`.
   * @throws Problem `not-found`, `plan-stale` with what has changed, `service-unavailable`
   */
  async prepare({ accountId }: Principal, id: string, { planToken }: BulkApprovalRequest): Promise<void> {
    const list = await this.lists.find(accountId, id);
    const token = planToken ?? list.planToken ?? '';
    if (list.status !== 'awaiting-approval' || !this.planned.isOfDryRun(token)) return;
    await this.planned.check({ accountId, roles: list.requestedAs }, await this.lists.contentsOf(list), token);
  }

  /**
   * The worker then decides the rows, each with the guards and the policy of that moment.
   * @throws Problem `conflict` for a list that does not wait, `forbidden`, `own-request`, `approval-expired`, `plan-stale`
   */
  async approve(principal: Principal, id: string, { planToken }: BulkApprovalRequest): Promise<void> {
    const list = await this.lists.lock(principal.accountId, id);
    const roles = await this.actors.requireManager(principal);
    this.requireWaiting(list);
    if (isOwn(list, principal))
      throw new Problem('own-request', { detail: 'You have requested this. Another owner or admin has to decide.' });
    if (!roles.includes('owner') && (await this.lists.namesOwners(id)))
      throw new Problem('forbidden', { detail: 'The list names owners, so an owner has to approve it.' });
    const token = planToken ?? list.planToken ?? '';
    const isBound =
      this.planned.isOfDryRun(token) || (await this.plans.isCurrent(token, principal.accountId, id, list));
    if (!isBound)
      throw new Problem('plan-stale', {
        detail: 'The policy has changed since the request. Read the list again, and send its `planToken`.',
      });
    await this.store.conclude([id], 'approved', { decidedBy: principal.userId });
    await this.lists.open(list, principal.userId, () => this.worker.wake());
  }

  /**
   * The user who has requested the list withdraws it in this way.
   * @throws Problem `conflict` for a list that does not wait, `forbidden`, `approval-expired`
   */
  async refuse(principal: Principal, id: string, reason: string): Promise<void> {
    const list = await this.lists.lock(principal.accountId, id);
    await this.actors.requireManager(principal);
    this.requireWaiting(list);
    const { userId } = principal;
    const isWithdrawn = isOwn(list, principal);
    await this.store.conclude([id], isWithdrawn ? 'withdrawn' : 'refused', { decidedBy: userId, reason });
    const action = isWithdrawn ? 'departure.bulk-withdrawn' : 'departure.bulk-approval-refused';
    await this.lists.close([list], 'approval-refused', { by: { actorId: userId }, action });
  }

  /** @returns the number of lists that have expired, at most `limit` */
  async expire(limit: number): Promise<number> {
    const lists = await this.lists.expired(limit);
    if (lists.length === 0) return 0;
    await this.store.conclude(
      lists.map(({ id }) => id),
      'expired',
      {},
    );
    await this.lists.close(lists, 'approval-expired', { by: SYSTEM, action: 'departure.bulk-approval-expired' });
    return lists.length;
  }

  private requireWaiting({ status, outcome, expiresAt }: WaitingList): void {
    const isOver = outcome === null && expiresAt !== null && Date.parse(expiresAt) <= this.clock.millis();
    if (outcome === 'expired' || isOver) throw new Problem('approval-expired');
    if (outcome !== null || status !== 'awaiting-approval')
      throw new Problem('conflict', { detail: 'The list does not wait for an approval.' });
  }
}

const isOwn = ({ requestedBy, firstRequestedBy }: WaitingList, { userId }: Principal): boolean =>
  userId === requestedBy || userId === firstRequestedBy;
