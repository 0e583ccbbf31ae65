import { Injectable } from '@nestjs/common';
import type { DepartureRequest, Principal, LeavingTransition } from '#libs/contracts';
import { Confirmation } from '../../plan/confirmation.js';
import { Preflight } from '../../plan/preflight.js';
import type { Times } from '../departure-times.js';
import { Schedule } from './schedule.js';

/** Schedules departures. */
@Injectable()
export class LaterDepartures {
  constructor(
    private readonly preflight: Preflight,
    private readonly confirmation: Confirmation,
    private readonly schedule: Schedule,
  ) {}

  /**
   * @returns the id of the departure
   * @throws Problem with the code of the first guard that refuses
   */
  async decide(
    principal: Principal,
    userId: string,
    transition: LeavingTransition,
    request: DepartureRequest & Times & { effectiveAt: string },
  ): Promise<string> {
    const { accountId, userId: requestedBy } = principal;
    const plan = await this.preflight.runForLater(principal, userId, { transition, request });
    await this.confirmation.check(principal, plan, request);
    const { successors, overrides, reason, effectiveAt, returnAt, returnRestore } = request;
    const leaver = { userId, wishes: { successors, overrides }, reason, returnAt, returnRestore };
    const [id] = await this.schedule.scheduleDepartures({ accountId, transition, requestedBy, effectiveAt }, [leaver]);
    return id!;
  }
}
