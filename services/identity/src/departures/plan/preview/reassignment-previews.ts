import { Injectable } from '@nestjs/common';
import type { Principal, Reassignment, ReassignmentRequest, UncountedService } from '#libs/contracts';
import { assertMayManage } from '../../../user/actors.js';
import { Planner } from '../planner.js';
import { ReassignmentGuards } from '../guards/reassignment-guards.js';
import { RuleServices } from '../rule-services.js';
import { SuccessorChecks } from '../guards/successor-checks.js';
import { previewRules } from './preview-rules.js';

/** Dry runs of reassignments. Each service counts its own rows. */
@Injectable()
export class ReassignmentPreviews {
  constructor(
    private readonly planner: Planner,
    private readonly owners: RuleServices,
    private readonly successors: SuccessorChecks,
    private readonly guards: ReassignmentGuards,
  ) {}

  /**
   * Counts what exactly this request would hand over. It asks other services, so it runs without a transaction.
   * @throws Problem `not-found`, `forbidden`, `unknown-rule`, `invalid-action`, `invalid-successor`
   */
  async of(principal: Principal, userId: string, request: ReassignmentRequest): Promise<Reassignment> {
    const plan = await this.planner.planReassignment(principal.accountId, userId, request);
    const { user } = plan;
    assertMayManage(principal.roles, user.roles);
    await this.successors.check(principal.accountId, plan);
    const uncounted: UncountedService[] = [];
    const lines = await this.owners.preview(plan, { uncounted });
    const blockers = await this.guards.blockers(user);
    return {
      ...{ userId, transition: 'reassigned', dryRun: true, possible: blockers.length === 0, blockers },
      rules: previewRules(plan, lines, null),
      uncounted,
    };
  }
}
