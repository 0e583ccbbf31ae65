import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { Principal } from '#libs/contracts';
import { actorOf } from '../../../audit/audit.js';
import { OWNS_NOTHING, Preflight, resolvedPolicy, type Prepared } from '../../plan/preflight.js';
import { Planner, type Plan } from '../../plan/planner.js';
import { Confirmation } from '../../plan/token/confirmation.js';
import { ApprovalStore } from '../../store/approvals/approval-store.js';
import { DepartureStore } from '../../store/departure-store.js';
import { isBlocking } from '../conversion/blocking-lines.js';
import { SharedInboxes } from '../conversion/shared-inboxes.js';
import { Decisions } from '../decisions.js';
import type { WaitingRequest } from './waiting-request.js';

/** Begins or schedules departures that another manager approves, after the checks of a new request. */
@Injectable()
export class ApprovedDepartures {
  constructor(
    private readonly planner: Planner,
    private readonly preflight: Preflight,
    private readonly confirmation: Confirmation,
    private readonly inboxes: SharedInboxes,
    private readonly decisions: Decisions,
    private readonly departures: DepartureStore,
    private readonly store: ApprovalStore,
  ) {}

  /**
   * Asks the other services, before the transaction of `decide`.
   * @throws Problem `service-unavailable`; `unknown-rule` or `invalid-action` if the catalogue has changed
   */
  async prepare({
    accountId,
    userId,
    transition,
    wishes,
    conversion,
    later,
    planToken,
  }: WaitingRequest): Promise<Prepared> {
    const { plan, ...prepared } = later
      ? { ...OWNS_NOTHING, plan: await this.planner.plan(accountId, userId, transition, wishes) }
      : await this.preflight.prepare(accountId, userId, {
          ...{ transition, request: wishes },
          ...(conversion && { isBlocking }),
        });
    const stale = await this.confirmation.prepare(plan, wishes, planToken);
    return stale ? { ...prepared, stale } : prepared;
  }

  /**
   * The caller has locked the departure, which waits.
   * @returns `PREPARE_AGAIN` if the plan has changed since the preparation; nothing has been written then
   * @throws Problem with the code of the first guard that refuses; `plan-stale`, `uncounted`, `forbidden`
   */
  async decide(
    principal: Principal,
    request: WaitingRequest & { acceptUncounted?: boolean },
    prepared: Prepared,
  ): Promise<PrepareAgain | undefined> {
    const { id, accountId, userId, transition, wishes, conversion, later, planToken, acceptUncounted } = request;
    const { returnAt, returnRestore } = wishes;
    const plan = later
      ? await this.preflight.runForLater(principal, userId, { transition, request: { ...wishes, effectiveAt: later } })
      : await this.preflight.run(principal, userId, { transition, request: wishes }, prepared);
    if (plan === PREPARE_AGAIN) return PREPARE_AGAIN;
    if (conversion) await this.inboxes.lockMembers(accountId, conversion.memberIds);
    const confirmed = { ...wishes, planToken, acceptUncounted, stale: prepared.stale };
    if ((await this.confirmation.check(principal, plan, confirmed)) === PREPARE_AGAIN) return PREPARE_AGAIN;
    await this.store.approve({ id, due: !later }, principal.userId);
    if (later) await this.schedule(principal, request, later);
    else await this.begin(principal, plan, { id, conversion, returnAt, returnRestore });
    const { needed_for: neededFor } = request.approval;
    await this.store.recordApproval(accountId, userId, principal.userId, { departureId: id, transition, neededFor });
    return undefined;
  }

  private async schedule(principal: Principal, { id }: WaitingRequest, effectiveAt: string): Promise<void> {
    await this.departures.transition([id], ['awaiting-approval'], 'scheduled', {
      by: actorOf(principal),
      detail: ({ id: departureId, transition }) => ({ departureId, transition, effectiveAt }),
    });
  }

  private async begin(
    principal: Principal,
    plan: Plan,
    { id, conversion, returnAt, returnRestore }: Pick<WaitingRequest, 'id' | 'conversion'> & WaitingRequest['wishes'],
  ): Promise<void> {
    const decision = {
      ...{ user: plan.user, policy: resolvedPolicy(plan), departureId: id, returnAt, returnRestore },
      ...(conversion && { conversion }),
      ...(plan.tellContacts && { tellContacts: plan.tellContacts }),
    };
    await this.decisions.apply(plan.transition, [decision], principal.userId);
  }
}
