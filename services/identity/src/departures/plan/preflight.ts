import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { PreviewLine, Principal, Transition } from '#libs/contracts';
import { lockAccount } from '../../common/account-lock.js';
import { UserRows } from '../../user/user-rows.js';
import { Guards } from './guards.js';
import { PlanChanged } from './plan-changed.js';
import { Planner, type Plan, type PlanRequest } from './planner.js';
import { Refusals } from './refusals.js';
import { RuleServices } from './rule-services.js';

interface PreflightRequest {
  transition: Transition;
  request?: PlanRequest;
  /** Whether rows that a rule finds stand in the way of this departure. */
  standsInTheWay?: (line: PreviewLine) => boolean;
}

/** Asks everybody whether one person may go, and holds what the answer rests on. */
@Injectable()
export class Preflight {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly owners: RuleServices,
    private readonly guards: Guards,
    private readonly refusals: Refusals,
  ) {}

  /**
   * Other services are asked before anything is locked; then the account and the user are, until the transaction ends.
   * @throws Problem with the code of the first guard that refuses; Overtaken when the plan has changed meanwhile
   */
  async run(
    principal: Principal,
    userId: string,
    { transition, request, standsInTheWay = () => true }: PreflightRequest,
  ): Promise<Plan> {
    const { accountId } = principal;
    const foreseen = await this.planner.plan(accountId, userId, transition, request);
    const blocked = (await this.owners.blocking(foreseen)).filter(standsInTheWay);
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const plan = await this.planner.plan(accountId, userId, transition, request);
    if (JSON.stringify(plan.rules) !== JSON.stringify(foreseen.rules)) throw new PlanChanged();
    await this.refusals.recording(principal, plan, () => this.guards.assertAllowed(plan, blocked));
    return plan;
  }
}

/** What the event says of the policy. */
export const resolvedPolicy = ({ policy: { preset, version }, rules }: Plan) => ({ preset, version, rules });
