import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { DepartureRequest, Principal, LeavingTransition } from '#libs/contracts';
import type { Times } from '../plan/departure-times.js';
import { Preflight, resolvedPolicy, type Prepared } from '../plan/preflight.js';
import { Confirmation } from '../plan/token/confirmation.js';
import { ApprovalRequests, type Requester } from './approval/approval-requests.js';
import { Decisions } from './decisions.js';
import { RepeatedDeactivations } from './repeated-deactivations.js';

/** Decides departures that happen now, or as soon as another manager approves. */
@Injectable()
export class ImmediateDepartures {
  constructor(
    private readonly repeated: RepeatedDeactivations,
    private readonly preflight: Preflight,
    private readonly confirmation: Confirmation,
    private readonly approvals: ApprovalRequests,
    private readonly decisions: Decisions,
  ) {}

  /**
   * @returns the id of the departure
   * @throws Problem with the code of the first guard that refuses
   */
  async decide(
    principal: Requester,
    userId: string,
    transition: LeavingTransition,
    request: DepartureRequest & Times,
    prepared: Prepared | undefined,
  ): Promise<string | PrepareAgain> {
    const stale = prepared?.stale;
    const away =
      transition === 'deactivated' && (await this.repeated.callOffReturn(principal, userId, { ...request, stale }));
    if (away) return away;
    if (!prepared) return PREPARE_AGAIN;
    const plan = await this.preflight.run(principal, userId, { transition, request }, prepared);
    if (plan === PREPARE_AGAIN) return PREPARE_AGAIN;
    const confirmed = await this.confirmation.check(principal, plan, { ...request, stale });
    if (confirmed === PREPARE_AGAIN) return PREPARE_AGAIN;
    const waiting = await this.approvals.request(principal, plan, request, prepared);
    if (waiting) return waiting;
    const { reason, returnAt, returnRestore } = request;
    const { user, tellContacts } = plan;
    const decision = { user, policy: resolvedPolicy(plan), reason, returnAt, returnRestore, tellContacts };
    const [id] = await this.decisions.apply(transition, [decision], requesterOf(principal), principal);
    return id!;
  }
}

/** Null for a program of the account, such as its identity provider. */
export const requesterOf = ({ userId, system }: Principal): string | null => (system === undefined ? userId : null);
