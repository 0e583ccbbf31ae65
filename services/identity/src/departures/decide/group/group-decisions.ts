import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem } from '#libs/contracts';
import { lockAccount } from '../../../common/account-lock.js';
import { assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';
import { blockersOf, type PreparedBlockers } from '../../plan/group-preflight.js';
import { ScheduledSteps } from '../../store/scheduled/scheduled-steps.js';
import { Guards, returnToCallOff } from '../../plan/guards/guards.js';
import { planOf, Planner } from '../../plan/planner.js';
import {
  GroupOutcomes,
  type AcceptedRequest,
  type AwayUser,
  type DecisionBatch,
  type DecisionResult,
  type LeaverRequest,
} from './group-outcomes.js';
import { assertMaySucceed, SuccessorChecks } from '../../plan/guards/successor-checks.js';

/** Decides about many users of one account in one transaction. A refusal does not affect the others. */
@Injectable()
export class GroupDecisions {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly guards: Guards,
    private readonly successors: SuccessorChecks,
    private readonly outcomes: GroupOutcomes,
    private readonly steps: ScheduledSteps,
  ) {}

  /** Locks the account and then the users, for a decision in the same transaction. */
  async lock(accountId: string, requests: readonly LeaverRequest[]): Promise<void> {
    await lockAccount(this.em, accountId);
    await this.users.lock(
      requests.map((request) => request.userId),
      'leave',
    );
  }

  /**
   * Decides in the caller's transaction, which has called `lock`.
   * @returns `PREPARE_AGAIN` if the policy has changed since the other services were asked; nothing has been written then
   */
  async decide<W extends LeaverRequest>(
    group: DecisionBatch<W>,
    prepared: PreparedBlockers,
  ): Promise<DecisionResult<W>[] | PrepareAgain> {
    const { accountId, requests } = group;
    const basis = await this.planner.basis(accountId);
    const users = await this.users.ofAccount(
      accountId,
      requests.map((request) => request.userId),
    );
    const naming = requests.flatMap(({ userId, successors = {} }) => {
      const user = users.get(userId);
      return user ? [{ user, successors }] : [];
    });
    const candidates = group.leavers ? await this.successors.lockCandidates(accountId, naming) : undefined;
    const { effectiveAt } = group;
    const scheduled = await this.steps.of([...users.keys()]);
    const decidesNow = group.transition === 'deactivated' && effectiveAt === undefined;
    const accepted: AcceptedRequest<W>[] = [];
    const away: AwayUser<W>[] = [];
    const results: DecisionResult<W>[] = [];
    for (const request of requests) {
      try {
        const user = users.get(request.userId);
        if (!user) throw new Problem('unknown-user', { detail: 'There is no such user.' });
        if (group.rolesThen) assertMayManage(group.rolesThen, user.roles);
        const isNew = decidesNow && request.departureId === undefined;
        const back = isNew && returnToCallOff(user, request, scheduled.get(user.id)?.reactivated);
        if (back) {
          away.push({ request, user, back });
          continue;
        }
        const plan = planOf(basis, user, group.transition, request);
        const leaving = accepted.map((one) => one.request.userId);
        if (effectiveAt) {
          const later = { effectiveAt, returnAt: request.returnAt, scheduled: scheduled.get(user.id) ?? {} };
          await this.guards.assertAllowedLater(plan, later, leaving);
        } else {
          const blocked = blockersOf(prepared, plan);
          if (blocked === PREPARE_AGAIN) return PREPARE_AGAIN;
          await this.guards.assertAllowed(plan, blocked, leaving);
        }
        if (candidates) assertMaySucceed(plan, candidates, group.leavers!);
        accepted.push({ request, plan });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        results.push({ request, problem: error });
      }
    }
    results.push(...(await this.outcomes.apply(group, accepted)));
    return [...results, ...(await this.outcomes.callOffReturns(group, away))];
  }
}
