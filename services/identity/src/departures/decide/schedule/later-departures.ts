import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { DepartureRequest, LeavingTransition } from '#libs/contracts';
import type { Times } from '../../plan/departure-times.js';
import { Preflight, type Prepared } from '../../plan/preflight.js';
import { Confirmation } from '../../plan/token/confirmation.js';
import { ApprovalRequests, type Requester } from '../approval/approval-requests.js';
import { Schedule } from './schedule.js';

/** Schedules departures, or has them wait for another manager. */
@Injectable()
export class LaterDepartures {
  constructor(
    private readonly preflight: Preflight,
    private readonly confirmation: Confirmation,
    private readonly approvals: ApprovalRequests,
    private readonly schedule: Schedule,
  ) {}

  /**
   * @returns the id of the departure, `PREPARE_AGAIN` if the plan has changed since the preparation
   * @throws Problem with the code of the first guard that refuses
   */
  async decide(
    principal: Requester,
    userId: string,
    transition: LeavingTransition,
    request: DepartureRequest & Times & { effectiveAt: string },
    prepared: Prepared | undefined,
  ): Promise<string | PrepareAgain> {
    const { accountId, userId: requestedBy } = principal;
    const plan = await this.preflight.runForLater(principal, userId, { transition, request });
    const confirmed = { ...request, stale: prepared?.stale };
    if ((await this.confirmation.check(principal, plan, confirmed)) === PREPARE_AGAIN) return PREPARE_AGAIN;
    const waiting = await this.approvals.request(principal, plan, request, prepared);
    if (waiting) return waiting;
    const { successors, overrides, tellContacts, reason, effectiveAt, returnAt, returnRestore } = request;
    const leaver = { userId, wishes: { successors, overrides, tellContacts }, reason, returnAt, returnRestore };
    const [id] = await this.schedule.scheduleDepartures({ accountId, transition, requestedBy, effectiveAt }, [leaver]);
    return id!;
  }
}
