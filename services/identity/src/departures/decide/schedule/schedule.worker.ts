import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN } from '#libs/broker';
import { Problem, type Transition } from '#libs/contracts';
import { safeErrorFields } from '#libs/observability';
import { BatchWorker, WorkerContext } from '#libs/jobs';
import { Decisions } from '../decisions.js';
import { GroupDecisions } from '../group-decisions.js';
import { Reactivations } from '../reactivations.js';
import { isoOf } from '../../../common/moments.js';
import { Actors, mayManage } from '../../../user/actors.js';
import { DepartureClaims, LEASE_MS, RETRY, type DueDeparture } from '../../store/departure-claims.js';
import { DepartureStore } from '../../store/departure-store.js';
import { Schedule } from './schedule.js';

/**
 * Carries out scheduled departures whose day has come, with the guards and the account's policy of that moment, and the
 * successors and overrides of the request. Whoever has asked may have left since or lost the right: the account had
 * decided, so the departure happens, and the trail then says that the system has done it.
 */
@Injectable()
export class ScheduleWorker extends BatchWorker<DueDeparture> {
  constructor(
    private readonly em: EntityManager,
    private readonly claims: DepartureClaims,
    private readonly store: DepartureStore,
    private readonly schedule: Schedule,
    private readonly groups: GroupDecisions,
    private readonly decisions: Decisions,
    private readonly returning: Reactivations,
    private readonly actors: Actors,
    context: WorkerContext,
  ) {
    super(context, { name: 'scheduled-departures', batchSize: 200, leaseMs: LEASE_MS, retry: RETRY });
  }

  protected override claim(limit: number): Promise<DueDeparture[]> {
    return this.claims.scheduled(limit, this.leaseUntil());
  }

  protected override async run(due: readonly DueDeparture[]): Promise<void> {
    const groups = Map.groupBy(due, (one) =>
      // Each return asks for a seat of its own.
      one.transition === 'reactivated' ? one.id : [one.account_id, one.transition, one.requested_by].join(' '),
    );
    for (const group of groups.values()) await this.decide(group);
  }

  /** Where a group fails for an unknown reason its members are tried one by one, so that one does not hold up the others. */
  private async decide(group: readonly DueDeparture[]): Promise<void> {
    try {
      if (group[0]!.transition === 'reactivated') await this.decideReturn(group[0]!);
      else if (!(await this.decideDeparture(group))) await this.retryLater(group, new Problem('plan-stale'));
    } catch (error) {
      const known = error instanceof Problem || group.length === 1;
      if (!known) for (const one of group) await this.decide([one]);
      else await this.retryLater(group, error);
    }
  }

  /** @returns false when the policy has changed since the other services were asked, and nothing has been decided */
  private async decideDeparture(group: readonly DueDeparture[]): Promise<boolean> {
    const { account_id: accountId, requested_by: requestedBy } = group[0]!;
    const transition = group[0]!.transition as Transition;
    const requests = group.map(({ id, user_id: userId, wishes: { successors, overrides }, return_at: returnAt }) => ({
      userId,
      successors,
      overrides,
      departureId: id,
      ...(returnAt && { returnAt: isoOf(returnAt) }),
    }));
    const prepared = await RequestContext.create(this.em, () =>
      this.groups.prepare({ accountId, transition, requests }),
    );
    return this.em.fork().transactional(async () => {
      await this.groups.lock(accountId, requests);
      const rolesNow = await this.actors.rolesIfActive({ accountId, userId: requestedBy });
      const open = await this.schedule.hold(requests.map((request) => request.departureId));
      const still = requests.filter((request) => open.has(request.departureId));
      const verdicts = await this.groups.decide(
        { accountId, transition, requests: still, requestedBy, rolesNow: rolesNow ?? [] },
        prepared,
      );
      if (verdicts === PREPARE_AGAIN) return false;
      await this.store.refuse(
        verdicts.flatMap(({ request, problem }) => (problem ? [{ departureId: request.departureId, problem }] : [])),
      );
      return true;
    });
  }

  private async decideReturn({
    id,
    account_id: accountId,
    user_id: userId,
    requested_by,
  }: DueDeparture): Promise<void> {
    await this.em.fork().transactional(async () => {
      const returning = await this.returning.prepare(accountId, userId).catch((error: unknown) => {
        if (error instanceof Problem) return error;
        throw error;
      });
      const rolesNow = await this.actors.rolesIfActive({ accountId, userId: requested_by });
      const open = await this.schedule.hold([id]);
      if (!open.has(id)) return;
      if (returning instanceof Problem) return this.store.refuse([{ departureId: id, problem: returning }]);
      const onBehalf = !mayManage(rolesNow ?? [], returning.user.roles);
      await this.decisions.apply('reactivated', [{ ...returning, departureId: id }], requested_by, { onBehalf });
    });
  }

  private async retryLater(group: readonly DueDeparture[], error: unknown): Promise<void> {
    this.log.warn({ departures: group.length, ...safeErrorFields(error) }, 'scheduled departures wait');
    await this.claims.retryScheduledAt(group, this.retryAt(0)!);
  }
}
