import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type PreviewLine, type Principal, type Transition } from '#libs/contracts';
import { lockAccount } from '../../common/account-lock.js';
import { UserRows } from '../../user/user-rows.js';
import { Guards } from './guards/guards.js';
import { Planner, type Plan, type PlanRequest } from './planner.js';
import { Refusals } from './guards/refusals.js';
import { RuleServices } from './rule-services.js';
import { notDeactivatedBy, retainedAt, type Later } from './sequence.js';
import { ScheduledSteps, type ScheduledStep } from '../store/scheduled/scheduled-steps.js';

interface PreflightRequest {
  transition: Transition;
  request?: PlanRequest;
  /** Whether a `block` line blocks this departure; by default each does. */
  isBlocking?: (line: PreviewLine) => boolean;
}

/** The answers of other services about a departure, from before the locks. */
export interface Prepared {
  /** What they were asked about, as `askedOf` returns it; undefined where none was asked. */
  asked?: string;
  /** Lines that stand in the way of the departure. */
  blocked: readonly PreviewLine[];
  /** The refusal of a request whose plan is not the previewed one. */
  stale?: Problem;
  /** Of a request that needs an approval: what the approver has to be shown. */
  planToken?: string;
}

/** For a user who has just been created and has no rows in other services. */
export const OWNS_NOTHING: Prepared = { blocked: [] };

/** Asks the services and the guards whether a user can leave, and locks the rows on which the answer depends. */
@Injectable()
export class Preflight {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly owners: RuleServices,
    private readonly guards: Guards,
    private readonly refusals: Refusals,
    private readonly scheduled: ScheduledSteps,
  ) {}

  /**
   * Asks the other services, before the transaction.
   * @returns their answers, with the plan that they were asked about
   * @throws Problem `service-unavailable` with the name of a service that does not answer
   */
  async prepare(
    accountId: string,
    userId: string,
    { transition, request, isBlocking = () => true }: PreflightRequest,
  ): Promise<Prepared & { plan: Plan }> {
    const plan = await this.planner.plan(accountId, userId, transition, request);
    const blocked = (await this.owners.blocking(plan)).filter(isBlocking);
    return { asked: askedOf(plan), blocked, plan };
  }

  /**
   * Like `run`, for a scheduled departure. Checks only some guards; all of them are checked when the departure is due.
   * @param moved the id of the departure, if it is scheduled already and gets other times
   * @throws Problem with the code of the first guard that refuses
   */
  async runForLater(
    principal: Principal,
    userId: string,
    {
      transition,
      request,
      moved,
    }: { transition: Transition; request: PlanRequest & Omit<Later, 'scheduled'>; moved?: string },
  ): Promise<Plan> {
    const { accountId } = principal;
    const { effectiveAt, returnAt } = request;
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'change');
    const plan = await this.planner.plan(accountId, userId, transition, request);
    const { [transition]: itself, ...others } = await this.scheduled.ofUser(userId);
    const scheduled = itself && itself.id !== moved ? { ...others, [transition]: itself } : others;
    const later = { effectiveAt, returnAt, scheduled };
    await this.refusals.recording(principal, plan, async () => {
      await this.guards.assertAllowedLater(plan, later);
      if (itself && scheduled === others) await this.assertDeletionCanFollow(plan, later, itself);
    });
    return plan;
  }

  /** @throws Problem `conflict` for a return that would come before the user’s scheduled deletion and call it off */
  async assertReturnCanMove(userId: string, effectiveAt: string): Promise<void> {
    const { deleted } = await this.scheduled.ofUser(userId);
    if (!deleted || deleted.effectiveAt < effectiveAt) return;
    throw new Problem('conflict', {
      detail: `A deletion of this user is scheduled for ${deleted.effectiveAt}. Choose a later time, or cancel it first.`,
      items: [deleted.id],
    });
  }

  /** Requires that the user’s scheduled deletion is still possible after the moved deactivation. */
  private async assertDeletionCanFollow(plan: Plan, later: Later, itself: ScheduledStep): Promise<void> {
    const { deactivated: _own, deleted, ...others } = later.scheduled;
    if (plan.transition !== 'deactivated' || !deleted) return;
    const deletion = await this.planner.plan(plan.user.account_id, plan.user.id, 'deleted');
    const { effectiveAt, returnAt = null } = later;
    const scheduled = { ...others, deactivated: { ...itself, effectiveAt, returnAt } };
    await this.guards.assertAllowedLater(deletion, { effectiveAt: deleted.effectiveAt, scheduled });
  }

  /** Whether a scheduled deletion could still happen if nothing else were scheduled. */
  async isPossibleAlone(accountId: string, userId: string, effectiveAt: string): Promise<boolean> {
    const plan = await this.planner.plan(accountId, userId, 'deleted');
    const alone = { effectiveAt, scheduled: {} };
    return !notDeactivatedBy(plan, alone) && !retainedAt(plan, alone);
  }

  /**
   * Locks the account and the user until the transaction ends, and asks the guards.
   * @returns `PREPARE_AGAIN` if the plan has changed since the other services were asked
   * @throws Problem with the code of the first guard that refuses
   */
  async run(
    principal: Principal,
    userId: string,
    { transition, request }: Omit<PreflightRequest, 'standsInTheWay'>,
    { asked, blocked }: Prepared,
  ): Promise<Plan | PrepareAgain> {
    const { accountId } = principal;
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const plan = await this.planner.plan(accountId, userId, transition, request);
    if (asked !== undefined && asked !== askedOf(plan)) return PREPARE_AGAIN;
    await this.refusals.recording(principal, plan, () => this.guards.assertAllowed(plan, blocked));
    return plan;
  }
}

/** What the answers of the services depend on. If it has changed since, they have to be asked again. */
export const askedOf = ({ rules, user }: Plan): string => JSON.stringify([rules, user.legal_hold]);

/** The policy as events carry it. */
export const resolvedPolicy = ({ policy: { preset, version }, rules }: Plan) => ({ preset, version, rules });
