import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type DepartureRequest, type Principal } from '#libs/contracts';
import { actorOf } from '../../audit/audit.js';
import { lockAccount } from '../../common/account-lock.js';
import { UserRows, type UserRow } from '../../user/user-rows.js';
import { Confirmation } from '../plan/confirmation.js';
import { Planner, type PlanRequest } from '../plan/planner.js';
import { ScheduledSteps, type ScheduledStep } from '../store/scheduled/scheduled-steps.js';
import { Schedule } from './schedule/schedule.js';

type Wishes = PlanRequest & { returnAt?: string };

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
   * @returns the id of the departure, undefined for a user who is not away for a time
   * @throws Problem `conflict` for a request that asks for more than to stay away; `plan-stale`, `forbidden`
   */
  async callOffReturn(principal: Principal, userId: string, request: DepartureRequest): Promise<string | undefined> {
    const { accountId } = principal;
    if (!(await this.scheduled.ofUser(userId)).reactivated) return undefined;
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const user = await this.users.get(accountId, userId);
    const back = returnToCallOff(user, request, (await this.scheduled.ofUser(userId)).reactivated);
    if (!back) return undefined;
    const plan = await this.planner.plan(accountId, userId, 'deactivated');
    await this.confirmation.check(principal, plan, request);
    const [departureId] = await this.schedule.callOffReturns([back], actorOf(principal));
    return departureId;
  }
}

/**
 * The return that a deactivation of a locked user calls off; undefined for a user who is not away for a time.
 * @throws Problem `conflict` for a request that asks for more than to stay away
 */
export function returnToCallOff(
  user: UserRow,
  wishes: Wishes,
  back: ScheduledStep | undefined,
): ScheduledStep | undefined {
  if (user.status !== 'deactivated' || !back) return undefined;
  const { returnAt, successors = {}, overrides = {} } = wishes;
  if (returnAt === undefined && Object.keys(successors).length + Object.keys(overrides).length === 0) return back;
  const detail =
    `The user is deactivated already and returns on ${back.effectiveAt}. To call that return off, deactivate ` +
    'without `returnAt`, `successors` and `overrides`, or cancel it.';
  throw new Problem('conflict', { detail, items: [back.id] });
}
