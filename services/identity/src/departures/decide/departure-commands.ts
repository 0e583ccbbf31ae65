import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import {
  Problem,
  type Departure,
  type DepartureRequest,
  type Principal,
  type Reactivation,
  type Transition,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { lockAccount } from '../../common/account-lock.js';
import { alreadyScheduled, Schedule } from './schedule/schedule.js';
import { momentAfter } from '../../common/moments.js';
import { Actors, assertMayManage } from '../../user/actors.js';
import { UserRows } from '../../user/user-rows.js';
import { Preflight, resolvedPolicy, type Foreseen } from '../plan/preflight.js';
import { Decisions } from './decisions.js';
import { DepartureQueries } from '../store/departure-queries.js';
import { Guards } from '../plan/guards.js';
import { PlanTokens } from '../plan/plan-token.js';
import { Planner } from '../plan/planner.js';
import { Refusals } from '../plan/refusals.js';
import { Reactivations } from './reactivations.js';

/** Deactivates, deletes and reactivates, or says why not; then nothing has changed. */
@Injectable()
export class DepartureCommands {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly planner: Planner,
    private readonly clearance: Preflight,
    private readonly guards: Guards,
    private readonly refusals: Refusals,
    private readonly tokens: PlanTokens,
    private readonly decisions: Decisions,
    private readonly departures: DepartureQueries,
    private readonly returns: Reactivations,
    private readonly schedule: Schedule,
    private readonly clock: Clock,
  ) {}

  /**
   * Asks the other services, before the transaction of `decideNow`.
   * @returns undefined for a departure on a later day: they are asked when that has come
   * @throws Problem `validation`, `not-found`, `forbidden`, `service-unavailable`
   */
  async prepare(
    principal: Principal,
    userId: string,
    transition: Transition,
    request: DepartureRequest,
  ): Promise<Foreseen | undefined> {
    const { effectiveAt } = this.times(transition, request);
    assertMayManage(principal.roles, (await this.users.get(principal.accountId, userId)).roles);
    return effectiveAt ? undefined : this.clearance.prepare(principal.accountId, userId, { transition, request });
  }

  /**
   * @param foreseen what `prepare` has returned
   * @throws Problem with the code of the first guard that refuses
   */
  async decideNow(
    principal: Principal,
    userId: string,
    transition: Transition,
    request: DepartureRequest,
    foreseen: Foreseen | undefined,
  ): Promise<Departure | PrepareAgain> {
    const { accountId } = principal;
    const { effectiveAt, returnAt } = this.times(transition, request);
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    if (effectiveAt) return this.decideLater(principal, userId, transition, { ...request, effectiveAt, returnAt });
    if (!foreseen) return PREPARE_AGAIN;
    const plan = await this.clearance.run(principal, userId, { transition, request }, foreseen);
    if (plan === PREPARE_AGAIN) return PREPARE_AGAIN;
    if (request.planToken !== undefined) await this.tokens.check(request.planToken, plan);
    await this.guards.lockSuccessors(plan);
    // The token may be older than a change of the actor's own roles, or than their leaving.
    assertMayManage(await this.actors.rolesOf(principal), plan.user.roles);
    const decided = [{ user: plan.user, policy: resolvedPolicy(plan), reason: request.reason, returnAt }];
    const [id] = await this.decisions.apply(transition, decided, requesterOf(principal), principal);
    return this.departures.view(accountId, id!);
  }

  /** Of the guards those are asked now that can't be otherwise by then; all of them are asked when the day has come. */
  private async decideLater(
    principal: Principal,
    userId: string,
    transition: Transition,
    request: DepartureRequest & { effectiveAt: string },
  ): Promise<Departure> {
    const { accountId, userId: requestedBy } = principal;
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'change');
    const plan = await this.planner.plan(accountId, userId, transition, request);
    await this.refusals.recording(principal, plan, () => this.guards.assertAllowedLater(plan));
    if (request.planToken !== undefined) await this.tokens.check(request.planToken, plan);
    await this.guards.lockSuccessors(plan);
    assertMayManage(await this.actors.rolesOf(principal), plan.user.roles);
    if ((await this.departures.usersWithScheduledDeparture([userId])).has(userId)) throw alreadyScheduled();
    const { successors, overrides, reason, effectiveAt, returnAt } = request;
    const leaver = { userId, wishes: { successors, overrides }, reason, returnAt };
    const [id] = await this.schedule.scheduleDepartures({ accountId, transition, requestedBy, effectiveAt }, [leaver]);
    return this.departures.view(accountId, id!);
  }

  /** @throws Problem `validation` for a time that has passed, or a return from where nobody returns */
  private times(transition: Transition, request: DepartureRequest): { effectiveAt?: string; returnAt?: string } {
    const now = this.clock.millis();
    const effectiveAt = request.effectiveAt && momentAfter('effectiveAt', request.effectiveAt, now);
    if (request.returnAt === undefined) return { effectiveAt };
    if (transition === 'deleted') {
      const message = 'returnAt is for a deactivation: nobody returns from a deletion';
      throw new Problem('validation', { errors: [{ field: 'returnAt', message }] });
    }
    const left = effectiveAt === undefined ? now : Date.parse(effectiveAt);
    return { effectiveAt, returnAt: momentAfter('returnAt', request.returnAt, left) };
  }

  /** @throws Problem `not-found`, `forbidden`, `conflict` unless the user is deactivated, `no-free-seat`, `unknown-rule` */
  async reactivate(principal: Principal, userId: string, request: Reactivation = {}): Promise<Departure> {
    const { accountId } = principal;
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    const restore = await this.returns.restoration(request);
    const returning = { ...(await this.returns.prepare(accountId, userId)), restore };
    assertMayManage(await this.actors.rolesOf(principal), returning.user.roles);
    const [id] = await this.decisions.apply('reactivated', [returning], requesterOf(principal), principal);
    return this.departures.view(accountId, id!);
  }
}

const requesterOf = ({ userId, system }: Principal): string | null => (system === undefined ? userId : null);
