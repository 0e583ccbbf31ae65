import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type ApprovalRequest, type Departure, type Principal } from '#libs/contracts';
import { Clock } from '#libs/database';
import { assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';
import type { Prepared } from '../../plan/preflight.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import { ApprovalStore } from '../../store/approvals/approval-store.js';
import { ScheduledDepartureLock } from '../schedule/scheduled-departure-lock.js';
import { ApprovedDepartures } from './approved-departures.js';
import { waitingRequestOf, type WaitingRequest } from './waiting-request.js';

/** Approves and refuses departures that wait. */
@Injectable()
export class ApprovalDecisions {
  constructor(
    private readonly users: UserRows,
    private readonly lock: ScheduledDepartureLock,
    private readonly store: ApprovalStore,
    private readonly approved: ApprovedDepartures,
    private readonly departures: DepartureQueries,
    private readonly clock: Clock,
  ) {}

  /**
   * Asks the other services, before the transaction of `approve`.
   * @throws Problem `not-found`, `forbidden`, `service-unavailable`; `unknown-rule` or `invalid-action` if the catalogue has changed
   */
  async prepare(principal: Principal, id: string, { planToken }: ApprovalRequest): Promise<Prepared | undefined> {
    const departure = await this.departures.get(principal.accountId, id);
    assertMayManage(principal.roles, (await this.users.get(principal.accountId, departure.user_id)).roles);
    const approval = await this.store.waiting(id);
    if (!approval || departure.status !== 'awaiting-approval') return undefined;
    return this.approved.prepare(waitingRequestOf(departure, approval, { now: this.clock.now(), planToken }));
  }

  /**
   * Carries out what was requested, now or on its day. All guards are checked again, and the plan has to be the one of the token.
   * @throws Problem `conflict` for a departure that does not wait, `own-request`, `approval-expired`, `plan-stale`; or with the code
   *   of the first guard that refuses
   */
  async approve(
    principal: Principal,
    id: string,
    { planToken, acceptUncounted }: ApprovalRequest,
    prepared: Prepared | undefined,
  ): Promise<Departure | PrepareAgain> {
    const request = await this.takeWaiting(principal, id, planToken);
    const { returnAt } = request.wishes;
    if (returnAt !== undefined && Date.parse(returnAt) <= this.clock.millis())
      throw new Problem('conflict', { detail: `The user was to return on ${returnAt}, which has passed.` });
    if (!prepared) return PREPARE_AGAIN;
    const done = await this.approved.decide(principal, { ...request, acceptUncounted }, prepared);
    return done === PREPARE_AGAIN ? PREPARE_AGAIN : this.departures.view(principal.accountId, id);
  }

  /** @throws Problem `conflict` for a departure that does not wait, `own-request`, `approval-expired` */
  async refuse(principal: Principal, id: string, reason: string): Promise<Departure> {
    await this.takeWaiting(principal, id);
    await this.store.refuse(id, principal.userId, reason);
    return this.departures.view(principal.accountId, id);
  }

  /** Locks the account, the user and the departure until the transaction ends: one of two decisions finds that it waits. */
  private async takeWaiting(principal: Principal, id: string, planToken?: string): Promise<WaitingRequest> {
    const departure = await this.lock.take(principal, id, ['awaiting-approval', 'cancelled'], 'leave');
    const approval = await this.store.waiting(id);
    const now = this.clock.now();
    const isOver = approval !== undefined && Date.parse(approval.expires_at) <= now.getTime();
    if (isOver || departure.error === 'approval-expired') throw new Problem('approval-expired');
    if (!approval || departure.status === 'cancelled')
      throw new Problem('conflict', { detail: 'The departure does not wait for an approval any more.' });
    const own = [approval.requested_by, approval.token_created_by, departure.requested_by];
    if (own.includes(principal.userId))
      throw new Problem('own-request', { detail: 'You have requested this. Another owner or admin has to decide.' });
    return waitingRequestOf(departure, approval, { now, planToken });
  }
}
