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
 * Starts due scheduled departures, with the current guards and policy and with the successors and overrides of the request.
 * A departure also starts if the requester has left or lost the permission since; the audit trail then names the system.
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
    private readonly reactivations: Reactivations,
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
      // Each reactivation needs a seat, so each is decided separately.
      one.transition === 'reactivated' ? one.id : [one.account_id, one.transition, one.requested_by].join(' '),
    );
    for (const group of groups.values()) await this.decide(group);
  }

  /** If a group fails for an unknown reason, decides its members one by one, so that one does not delay the others. */
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

  /** @returns false if the policy has changed since the other services were asked; nothing has been decided then */
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
      const scheduled = requests.filter((request) => open.has(request.departureId));
      const results = await this.groups.decide(
        { accountId, transition, requests: scheduled, requestedBy, rolesNow: rolesNow ?? [] },
        prepared,
      );
      if (results === PREPARE_AGAIN) return false;
      await this.store.refuse(
        results.flatMap(({ request, problem }) => (problem ? [{ departureId: request.departureId, problem }] : [])),
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
      const returning = await this.reactivations.prepare(accountId, userId).catch((error: unknown) => {
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
    this.log.warn({ departures: group.length, ...safeErrorFields(error) }, 'scheduled departures will be retried');
    await this.claims.retryScheduledAt(group, this.retryAt(0)!);
  }
}
