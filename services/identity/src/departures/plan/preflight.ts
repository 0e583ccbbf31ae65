import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { PreviewLine, Principal, Transition } from '#libs/contracts';
import { lockAccount } from '../../common/account-lock.js';
import { UserRows } from '../../user/user-rows.js';
import { Guards } from './guards.js';
import { Planner, type Plan, type PlanRequest } from './planner.js';
import { Refusals } from './refusals.js';
import { RuleServices } from './rule-services.js';

interface PreflightRequest {
  transition: Transition;
  request?: PlanRequest;
  /** Whether rows that a rule finds stand in the way of this departure. */
  standsInTheWay?: (line: PreviewLine) => boolean;
}

/** What other services answered about a departure before anything was locked. */
export interface Prepared {
  /** The rules of the plan that they were asked about, as JSON; undefined where none was asked. */
  rules?: string;
  /** Lines that stand in the way of the departure. */
  blocked: readonly PreviewLine[];
}

/** For a user who has just been created: no other service has rows of theirs. */
export const OWNS_NOTHING: Prepared = { blocked: [] };

/** Asks the services and the guards whether a user may leave, and locks what the answer depends on. */
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
   * Asks the other services, before the transaction.
   * @throws Problem `service-unavailable` naming one that does not answer
   */
  async prepare(
    accountId: string,
    userId: string,
    { transition, request, standsInTheWay = () => true }: PreflightRequest,
  ): Promise<Prepared> {
    const plan = await this.planner.plan(accountId, userId, transition, request);
    const blocked = (await this.owners.blocking(plan)).filter(standsInTheWay);
    return { rules: JSON.stringify(plan.rules), blocked };
  }

  /**
   * The same for a departure on a later day. Only the guards whose answer cannot change until then are asked; all of them
   * are asked on that day.
   * @throws Problem with the code of the first guard that refuses
   */
  async runForLater(principal: Principal, userId: string, { transition, request }: PreflightRequest): Promise<Plan> {
    const { accountId } = principal;
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'change');
    const plan = await this.planner.plan(accountId, userId, transition, request);
    await this.refusals.recording(principal, plan, () => this.guards.assertAllowedLater(plan));
    return plan;
  }

  /**
   * Locks the account and the user until the transaction ends, and asks the guards.
   * @returns `PREPARE_AGAIN` when the plan has changed since the other services were asked
   * @throws Problem with the code of the first guard that refuses
   */
  async run(
    principal: Principal,
    userId: string,
    { transition, request }: Omit<PreflightRequest, 'standsInTheWay'>,
    { rules, blocked }: Prepared,
  ): Promise<Plan | PrepareAgain> {
    const { accountId } = principal;
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const plan = await this.planner.plan(accountId, userId, transition, request);
    if (rules !== undefined && rules !== JSON.stringify(plan.rules)) return PREPARE_AGAIN;
    await this.refusals.recording(principal, plan, () => this.guards.assertAllowed(plan, blocked));
    return plan;
  }
}

/** The policy as events carry it. */
export const resolvedPolicy = ({ policy: { preset, version }, rules }: Plan) => ({ preset, version, rules });
