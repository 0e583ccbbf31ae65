import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type Restore, type Role, type LeavingTransition } from '#libs/contracts';
import { lockAccount } from '../../common/account-lock.js';
import { Schedule } from './schedule/schedule.js';
import { assertMayManage, mayManage } from '../../user/actors.js';
import { UserRows, type UserRow } from '../../user/user-rows.js';
import { blockersOf, type GroupMember, type PreparedBlockers } from '../plan/group-preflight.js';
import { resolvedPolicy } from '../plan/preflight.js';
import { Decisions } from './decisions.js';
import { ScheduledSteps, type ScheduledStep } from '../store/scheduled/scheduled-steps.js';
import { assertMaySucceed, Guards, returnToCallOff } from '../plan/guards.js';
import { planOf, Planner, type Plan } from '../plan/planner.js';

export interface LeaverRequest extends GroupMember {
  reason?: string;
  returnAt?: string;
  returnRestore?: Restore;
  /** The scheduled departure that starts now. */
  departureId?: string;
}

/** The result of a request: a departure, or the problem of the refusal. */
export interface DecisionResult<W extends LeaverRequest = LeaverRequest> {
  request: W;
  departureId?: string;
  problem?: Problem;
}

export interface DecisionBatch<W extends LeaverRequest = LeaverRequest> {
  accountId: string;
  transition: LeavingTransition;
  requests: readonly W[];
  /** Null for what the policy has scheduled. */
  requestedBy: string | null;
  /** The requester's roles at the time of the request; undefined if they have been checked already. */
  rolesThen?: readonly Role[];
  /** The requester's current roles; empty if the requester has left. */
  rolesNow: readonly Role[];
  /** All leavers of the request, who cannot be successors; undefined if successors have been checked already. */
  leavers?: ReadonlySet<string>;
  /** ISO 8601; only for scheduled departures. */
  effectiveAt?: string;
}

/** A user who is deactivated for a time, and who is to stay away. */
interface AwayUser<W extends LeaverRequest> {
  request: W;
  user: UserRow;
  back: ScheduledStep;
}

interface AcceptedRequest<W extends LeaverRequest> {
  request: W;
  plan: Plan;
}

/** Decides about many users of one account in one transaction. A refusal does not affect the others. */
@Injectable()
export class GroupDecisions {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly guards: Guards,
    private readonly decisions: Decisions,
    private readonly schedule: Schedule,
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
    const named = requests.flatMap((request) => Object.values(request.successors ?? {}));
    const active = group.leavers ? await this.guards.lockActive(accountId, named) : undefined;
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
        if (active) assertMaySucceed(plan.successors, active, group.leavers!);
        accepted.push({ request, plan });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        results.push({ request, problem: error });
      }
    }
    results.push(...(await this.applyAccepted(group, accepted)));
    return [...results, ...(await this.callOffReturns(group, away))];
  }

  private async callOffReturns<W extends LeaverRequest>(
    { requestedBy, rolesNow }: DecisionBatch<W>,
    away: readonly AwayUser<W>[],
  ): Promise<DecisionResult<W>[]> {
    const results: DecisionResult<W>[] = [];
    for (const [entitled, same] of Map.groupBy(away, ({ user }) => mayManage(rolesNow, user.roles))) {
      const by = entitled && requestedBy !== null ? { actorId: requestedBy } : { system: 'departure' };
      const ids = await this.schedule.callOffReturns(
        same.map(({ back }) => back),
        by,
      );
      results.push(...same.map(({ request }, index) => ({ request, departureId: ids[index]! })));
    }
    return results;
  }

  private async applyAccepted<W extends LeaverRequest>(
    group: DecisionBatch<W>,
    accepted: readonly AcceptedRequest<W>[],
  ): Promise<DecisionResult<W>[]> {
    if (accepted.length === 0) return [];
    const { accountId, transition, requestedBy, effectiveAt } = group;
    if (effectiveAt !== undefined) {
      const leavers = accepted.map(({ request: { userId, reason, returnAt, successors, overrides } }) => ({
        userId,
        reason,
        returnAt,
        wishes: { successors, overrides },
      }));
      const ids = await this.schedule.scheduleDepartures({ accountId, transition, requestedBy, effectiveAt }, leavers);
      return accepted.map(({ request }, index) => ({ request, departureId: ids[index]! }));
    }
    const byPermission = Map.groupBy(accepted, ({ plan }) => mayManage(group.rolesNow, plan.user.roles));
    const results: DecisionResult<W>[] = [];
    for (const [entitled, same] of byPermission) {
      const decided = same.map(({ request: { reason, returnAt, returnRestore, departureId }, plan }) => ({
        user: plan.user,
        policy: resolvedPolicy(plan),
        reason,
        returnAt,
        returnRestore,
        departureId,
      }));
      const ids = await this.decisions.apply(transition, decided, requestedBy, { onBehalf: !entitled });
      results.push(...same.map(({ request }, index) => ({ request, departureId: ids[index]! })));
    }
    return results;
  }
}
