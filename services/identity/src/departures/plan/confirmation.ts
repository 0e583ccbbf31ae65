import { Injectable } from '@nestjs/common';
import type { DepartureRequest, Principal } from '#libs/contracts';
import { Actors, assertMayManage } from '../../user/actors.js';
import { Guards } from './guards.js';
import { PlanTokens } from './plan-token.js';
import type { Plan } from './planner.js';

/** The last checks before a decision, under the locks of the account and the user. */
@Injectable()
export class Confirmation {
  constructor(
    private readonly tokens: PlanTokens,
    private readonly guards: Guards,
    private readonly actors: Actors,
  ) {}

  /**
   * Checks that the plan is the previewed one, locks the successors, who have to be active, and checks the actor's current
   * roles: an access token may be older than a change of roles.
   * @throws Problem `plan-stale`, `uncounted`, `invalid-successor`, `unauthenticated`, `forbidden`
   */
  async check(
    principal: Principal,
    plan: Plan,
    { planToken, acceptUncounted }: Pick<DepartureRequest, 'planToken' | 'acceptUncounted'>,
  ): Promise<void> {
    if (planToken !== undefined) await this.tokens.check(planToken, plan, acceptUncounted);
    await this.guards.lockSuccessors(plan);
    assertMayManage(await this.actors.rolesOf(principal), plan.user.roles);
  }
}
