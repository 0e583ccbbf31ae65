import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Departure, type DepartureRequest, type Principal, type Transition } from '#libs/contracts';
import { lockAccount } from '../account/account-lock.js';
import { requireFreeSeats } from '../account/seats.js';
import { PolicyService } from '../policy/policy.service.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { UserRows } from '../user/user-rows.js';
import { Decisions } from './decisions.js';
import { DepartureRows } from './departure-rows.js';
import { Guards } from './guards.js';
import { PlanTokens } from './plan-token.js';
import { Planner } from './planner.js';
import { RuleOwners } from './rule-owners.js';

/** Deactivates, deletes and reactivates, or says why not; then nothing has changed. */
@Injectable()
export class DepartureCommands {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly planner: Planner,
    private readonly owners: RuleOwners,
    private readonly guards: Guards,
    private readonly tokens: PlanTokens,
    private readonly decisions: Decisions,
    private readonly departures: DepartureRows,
    private readonly policies: PolicyService,
  ) {}

  /** @throws Problem with the code of the first guard that refuses */
  async leave(
    principal: Principal,
    userId: string,
    transition: Transition,
    request: DepartureRequest,
  ): Promise<Departure> {
    const { accountId } = principal;
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    // Other services are asked before anything is locked.
    const foreseen = await this.planner.plan(accountId, userId, transition, request);
    const blocked = await this.owners.blocking(foreseen);
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const plan = await this.planner.plan(accountId, userId, transition, request);
    if (JSON.stringify(plan.rules) !== JSON.stringify(foreseen.rules)) throw new Overtaken();
    await this.guards.pass(plan, blocked);
    if (request.planToken !== undefined) await this.tokens.check(request.planToken, plan);
    await this.guards.holdSuccessors(plan);
    // The token may be older than a change of the actor's own roles, or than their leaving.
    assertMayManage(await this.actors.rolesOf(principal), plan.user.roles);
    const { preset, version } = plan.policy;
    const decided = [{ user: plan.user, policy: { preset, version, rules: plan.rules }, reason: request.reason }];
    const [id] = await this.decisions.carryOut(transition, decided, principal.userId);
    return this.departures.view(accountId, id!);
  }

  /** @throws Problem `not-found`, `forbidden`, `conflict` unless the user is deactivated, `no-free-seat` */
  async reactivate(principal: Principal, userId: string): Promise<Departure> {
    const { accountId } = principal;
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const user = await this.users.get(accountId, userId);
    if (user.status !== 'deactivated')
      throw new Problem('conflict', { detail: `The user is ${user.status}, not deactivated.` });
    await requireFreeSeats(this.em, accountId);
    assertMayManage(await this.actors.rolesOf(principal), user.roles);
    const { preset, version } = await this.policies.get(accountId);
    const decided = [{ user, policy: { preset, version, rules: {} } }];
    const [id] = await this.decisions.carryOut('reactivated', decided, principal.userId);
    return this.departures.view(accountId, id!);
  }
}

/** The policy has changed between asking and locking. The call begins anew, as after a serialization failure. */
class Overtaken extends Error {
  readonly code = '40001';
}
