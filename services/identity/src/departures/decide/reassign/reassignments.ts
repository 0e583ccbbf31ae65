import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Principal, Reassignment, ReassignmentRequest } from '#libs/contracts';
import { lockAccount } from '../../../common/account-lock.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';
import { Planner, type Plan } from '../../plan/planner.js';
import { resolvedPolicy } from '../../plan/preflight.js';
import { ReassignmentGuards } from '../../plan/guards/reassignment-guards.js';
import { SuccessorChecks } from '../../plan/guards/successor-checks.js';
import { Decisions } from '../decisions.js';
import { requesterOf } from '../immediate-departures.js';

/**
 * Hands rows of a user over to another one while the user stays. The decision `reassigned` raises the lifecycle version, changes
 * nothing else about the user and has no undo: the rows are handed back by another reassignment.
 */
@Injectable()
export class Reassignments {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly planner: Planner,
    private readonly successors: SuccessorChecks,
    private readonly guards: ReassignmentGuards,
    private readonly decisions: Decisions,
  ) {}

  /**
   * Only services that know reassignments have to answer.
   * @throws Problem `not-found`, `forbidden`, `unknown-rule`, `invalid-action`, `invalid-successor`, `conflict`
   */
  async decide(principal: Principal, userId: string, request: ReassignmentRequest): Promise<Reassignment> {
    const { accountId } = principal;
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const plan = await this.planner.planReassignment(accountId, userId, request);
    const { user } = plan;
    await this.guards.assertAllowed(user);
    await this.successors.lock(accountId, plan);
    assertMayManage(await this.actors.rolesOf(principal), user.roles);
    const decision = {
      user,
      policy: resolvedPolicy(plan),
      detail: { rules: Object.keys(plan.rules), to: request.to },
    };
    const [id] = await this.decisions.apply('reassigned', [decision], requesterOf(principal), {
      system: principal.system,
      services: servicesThatKnow(plan),
    });
    return { id: id!, userId, transition: 'reassigned' };
  }
}

/** Without identity, which applies its rules in the transaction. */
function servicesThatKnow({ catalogue }: Plan): string[] {
  const knowing = catalogue.filter(({ handOver }) => handOver).map(({ service }) => service);
  return [...new Set(knowing)].filter((service) => service !== 'identity').sort();
}
