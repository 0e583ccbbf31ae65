import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { DepartureRequest, Principal, Problem } from '#libs/contracts';
import { actorOf } from '../../audit/audit.js';
import { lockAccount } from '../../common/account-lock.js';
import { UserRows } from '../../user/user-rows.js';
import { returnToCallOff } from '../plan/guards/guards.js';
import { Planner } from '../plan/planner.js';
import { Confirmation } from '../plan/token/confirmation.js';
import { ScheduledSteps } from '../store/scheduled/scheduled-steps.js';
import { Schedule } from './schedule/schedule.js';

/**
 * Deactivations of users who are deactivated already and are to return. There is nothing to do to their data, but they are
 * to stay away: the return is called off, and the answer is the departure that it would have ended.
 */
@Injectable()
export class RepeatedDeactivations {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly confirmation: Confirmation,
    private readonly scheduled: ScheduledSteps,
    private readonly schedule: Schedule,
  ) {}

  /**
   * Locks the account and the user if there is a return.
   * @param request with the refusal of the preparation, if there is one
   * @returns the id of the departure, undefined for a user who is not away for a time, `PREPARE_AGAIN` if the plan has
   *   changed since the preparation
   * @throws Problem `conflict` for a request that asks for more than to stay away; `plan-stale`, `forbidden`
   */
  async callOffReturn(
    principal: Principal,
    userId: string,
    request: DepartureRequest & { stale?: Problem },
  ): Promise<string | PrepareAgain | undefined> {
    const { accountId } = principal;
    if (!(await this.scheduled.ofUser(userId)).reactivated) return undefined;
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const user = await this.users.get(accountId, userId);
    const back = returnToCallOff(user, request, (await this.scheduled.ofUser(userId)).reactivated);
    if (!back) return undefined;
    const plan = await this.planner.plan(accountId, userId, 'deactivated');
    if ((await this.confirmation.check(principal, plan, request)) === PREPARE_AGAIN) return PREPARE_AGAIN;
    const [departureId] = await this.schedule.callOffReturns([back], actorOf(principal));
    return departureId;
  }
}
