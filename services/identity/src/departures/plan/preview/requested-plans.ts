import { Injectable } from '@nestjs/common';
import {
  Problem,
  type LeavingTransition,
  type PreviewBlocker,
  type PreviewedChoices,
  type Principal,
  type Transition,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';
import { ScheduledSteps, type Scheduled } from '../../store/scheduled/scheduled-steps.js';
import { DepartureTimes, type Times } from '../departure-times.js';
import { erasureDay } from '../erasure-day.js';
import { returnToCallOff } from '../guards/guards.js';
import { Planner, type Plan } from '../planner.js';
import type { Later } from '../sequence.js';
import { SuccessorChecks } from '../guards/successor-checks.js';
import { TellingChecks } from '../guards/telling-checks.js';
import { choicesIn, type Choices } from '../token/choices.js';

/** What a request would decide. */
export interface RequestedPlan {
  plan: Plan;
  choices: Choices;
  /** For a departure on a later day. */
  later?: Later;
  /** What the decision refuses, or an empty list if it only calls off a return: for a user who is away for a time. */
  staysAway?: PreviewBlocker[];
  /** When the policy erases the user, in ISO 8601. */
  erasesAt?: string;
}

/** Plans requests for a preview, and refuses those that the decision would refuse. */
@Injectable()
export class RequestedPlans {
  constructor(
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly times: DepartureTimes,
    private readonly checks: SuccessorChecks,
    private readonly telling: TellingChecks,
    private readonly scheduled: ScheduledSteps,
    private readonly clock: Clock,
  ) {}

  /**
   * What a guard would refuse is not refused here: a preview shows it.
   * @throws Problem `validation`, `not-found`, `forbidden`, `unknown-rule`, `invalid-action`, `invalid-successor`,
   *   `unknown-reference`
   */
  async of(principal: Principal, userId: string, request: PreviewedChoices): Promise<RequestedPlan> {
    const { accountId } = principal;
    const { successors, overrides, tellContacts, policy } = request;
    const wishes = { successors, overrides, tellContacts };
    const transition = request.transition as LeavingTransition;
    const { effectiveAt, returnAt, returnRestore } = await this.times.of(transition, request);
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    const plan = policy
      ? await this.planner.planUnder(policy, [accountId, userId], transition, wishes)
      : await this.planner.plan(accountId, userId, transition, wishes);
    await this.checks.check(accountId, plan);
    await this.telling.check(accountId, [userId], tellContacts);
    const choices = choicesIn(plan, { ...wishes, effectiveAt, returnAt, returnRestore });
    const scheduled = await this.scheduled.ofUser(userId);
    const erasesAt = this.erasesAt(plan, scheduled, { effectiveAt, returnAt });
    if (effectiveAt !== undefined)
      return { plan, choices, later: { effectiveAt, returnAt, scheduled }, ...(erasesAt && { erasesAt }) };
    const staysAway = transition === 'deactivated' ? blockersToStayAway(plan, request, scheduled) : undefined;
    return { plan, choices, ...(staysAway && { staysAway }), ...(erasesAt && { erasesAt }) };
  }

  /**
   * What the policy does with a request that chooses nothing.
   * @throws Problem `not-found`, `forbidden`
   */
  async byPolicy(
    principal: Principal,
    userId: string,
    transition: Transition,
  ): Promise<Pick<RequestedPlan, 'plan' | 'erasesAt'>> {
    const plan = await this.planner.plan(principal.accountId, userId, transition);
    assertMayManage(principal.roles, plan.user.roles);
    const erasesAt = this.erasesAt(plan, await this.scheduled.ofUser(userId), {});
    return { plan, ...(erasesAt && { erasesAt }) };
  }

  private erasesAt(
    { transition, policy, retentionDays }: Plan,
    { deleted }: Scheduled,
    { effectiveAt, returnAt }: Times,
  ): string | undefined {
    if (transition !== 'deactivated' || returnAt !== undefined || deleted) return undefined;
    const from = effectiveAt === undefined ? this.clock.now() : new Date(effectiveAt);
    return erasureDay(from, { eraseAfterDays: policy.eraseAfterDays, retentionDays });
  }
}

function blockersToStayAway(plan: Plan, wishes: PreviewedChoices, { reactivated }: Scheduled) {
  try {
    return returnToCallOff(plan.user, wishes, reactivated) ? [] : undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [{ code: error.code, detail: error.message, items: error.details.items ?? [] }];
  }
}
