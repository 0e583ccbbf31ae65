import { Injectable } from '@nestjs/common';
import type { LeavingTransition, Problem, Restore, Role } from '#libs/contracts';
import { mayManage } from '../../../user/actors.js';
import type { UserRow } from '../../../user/user-rows.js';
import type { GroupMember } from '../../plan/group-preflight.js';
import type { Plan } from '../../plan/planner.js';
import { resolvedPolicy } from '../../plan/preflight.js';
import type { ScheduledStep } from '../../store/scheduled/scheduled-steps.js';
import { Decisions } from '../decisions.js';
import { Schedule } from '../schedule/schedule.js';

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
export interface AwayUser<W extends LeaverRequest> {
  request: W;
  user: UserRow;
  back: ScheduledStep;
}

export interface AcceptedRequest<W extends LeaverRequest> {
  request: W;
  plan: Plan;
}

/** Carries out what has been decided about a group. */
@Injectable()
export class GroupOutcomes {
  constructor(
    private readonly decisions: Decisions,
    private readonly schedule: Schedule,
  ) {}

  async callOffReturns<W extends LeaverRequest>(
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

  async apply<W extends LeaverRequest>(
    group: DecisionBatch<W>,
    accepted: readonly AcceptedRequest<W>[],
  ): Promise<DecisionResult<W>[]> {
    if (accepted.length === 0) return [];
    const { accountId, transition, requestedBy, effectiveAt } = group;
    if (effectiveAt !== undefined) {
      const leavers = accepted.map(
        ({ request: { userId, reason, returnAt, successors, overrides, tellContacts } }) => ({
          userId,
          reason,
          returnAt,
          wishes: { successors, overrides, tellContacts },
        }),
      );
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
        tellContacts: plan.tellContacts,
      }));
      const ids = await this.decisions.apply(transition, decided, requestedBy, { onBehalf: !entitled });
      results.push(...same.map(({ request }, index) => ({ request, departureId: ids[index]! })));
    }
    return results;
  }
}
