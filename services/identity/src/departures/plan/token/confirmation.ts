import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { DepartureRequest, Principal, Problem } from '#libs/contracts';
import { Actors, assertMayManage } from '../../../user/actors.js';
import type { Times } from '../departure-times.js';
import type { Plan, PlanRequest } from '../planner.js';
import { SuccessorChecks } from '../guards/successor-checks.js';
import { choicesIn } from './choices.js';
import { factsOf } from './plan-token.js';
import { PlanRecount } from './plan-recount.js';
import { TokenChecks } from './token-checks.js';

/** A request with its times as they were read. */
type Confirmed = PlanRequest & Times & Pick<DepartureRequest, 'planToken' | 'acceptUncounted'>;

/** The last checks before a decision. */
@Injectable()
export class Confirmation {
  constructor(
    private readonly tokens: TokenChecks,
    private readonly recount: PlanRecount,
    private readonly successors: SuccessorChecks,
    private readonly actors: Actors,
  ) {}

  /**
   * Compares the plan with the previewed one, before the transaction, because services are asked to count again.
   * @returns the refusal for `check`
   * @throws Problem `service-unavailable` naming a service that does not answer
   */
  async prepare(plan: Plan, request: PlanRequest & Times, planToken: string): Promise<Problem | undefined> {
    const requested = { facts: factsOf(plan), choices: choicesIn(plan, request) };
    return this.tokens.prepare(planToken, requested, this.recount.of(plan));
  }

  /**
   * Checks that the plan is the previewed one, locks the successors, who have to be active, and checks the actor's current
   * roles: an access token may be older than a change of roles. Runs under the locks of the account and the user.
   * @param request with the refusal that `prepare` has returned
   * @returns `PREPARE_AGAIN` if the plan has changed since `prepare`
   * @throws Problem `plan-stale`, `uncounted`, `invalid-successor`, `unauthenticated`, `forbidden`
   */
  async check(
    principal: Principal,
    plan: Plan,
    request: Confirmed & { stale?: Problem },
  ): Promise<PrepareAgain | undefined> {
    const { planToken, acceptUncounted, stale } = request;
    if (planToken !== undefined) {
      const requested = { facts: factsOf(plan), choices: choicesIn(plan, request) };
      const outcome = await this.tokens.check(planToken, requested, { acceptUncounted, stale });
      if (outcome === PREPARE_AGAIN) return PREPARE_AGAIN;
    }
    await this.successors.lock(plan.user.account_id, plan);
    assertMayManage(await this.actors.rolesOf(principal), plan.user.roles);
    return undefined;
  }
}
