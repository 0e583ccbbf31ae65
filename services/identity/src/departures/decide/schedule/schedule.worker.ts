import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type DepartureTransition, type Transition } from '#libs/contracts';
import { safeErrorFields, Log } from '#libs/observability';
import { Clock } from '#libs/database';
import { Worker } from '#libs/jobs';
import { sql } from 'kysely';
import { Decisions } from '../decisions.js';
import { GroupDecisions } from '../group-decisions.js';
import type { PlanRequest } from '../../plan/planner.js';
import { Reactivations } from '../../plan/reactivations.js';
import { isoOf } from '../../../moments.js';
import { Actors, mayManage } from '../../../user/actors.js';
import { Schedule } from './schedule.js';

const BATCH_SIZE = 200;
/** Milliseconds for which one replica keeps others from the same departures; a crash costs that much time. */
const LEASE_MS = 60_000;
/** Milliseconds until what could not be decided is tried again. */
const RETRY_DELAY_MS = 2_000;

interface DueDeparture {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  requested_by: string;
  wishes: PlanRequest;
  return_at: string | null;
}

/**
 * Carries out scheduled departures whose day has come, with the guards and the account's policy of that moment, and the
 * successors and overrides of the request. Whoever has asked may have left since or lost the right: the account had
 * decided, so the departure happens, and the trail then says that the system has done it.
 */
@Injectable()
export class ScheduleWorker extends Worker {
  constructor(
    private readonly em: EntityManager,
    private readonly schedule: Schedule,
    private readonly groups: GroupDecisions,
    private readonly decisions: Decisions,
    private readonly returning: Reactivations,
    private readonly actors: Actors,
    private readonly clock: Clock,
    log: Log,
  ) {
    super(log);
  }

  protected async step(): Promise<boolean> {
    const due = await this.claim();
    const groups = Map.groupBy(due, (one) =>
      // Each return asks for a seat of its own.
      one.transition === 'reactivated' ? one.id : [one.account_id, one.transition, one.requested_by].join(' '),
    );
    for (const group of groups.values()) await this.decide(group);
    return due.length === BATCH_SIZE;
  }

  private async claim(): Promise<DueDeparture[]> {
    const now = this.clock.now();
    const { rows } = await sql<DueDeparture>`
      with due as materialized (
        select id from departure where status = 'scheduled' and effective_at <= ${now} and look_after <= ${now}
        order by effective_at limit ${BATCH_SIZE} for no key update skip locked
      )
      update departure d set look_after = ${new Date(now.getTime() + LEASE_MS)} from due where d.id = due.id
      returning d.id, d.account_id, d.user_id, d.transition, d.requested_by, d.wishes, d.return_at`.execute(
      this.inOwnTransaction,
    );
    return rows;
  }

  /** Where a group fails for no known reason its members are tried one by one, so that the one does not hold up the others. */
  private async decide(group: readonly DueDeparture[]): Promise<void> {
    try {
      if (group[0]!.transition === 'reactivated') await this.decideReturn(group[0]!);
      else await this.decideDeparture(group);
    } catch (error) {
      const known = error instanceof Problem || group.length === 1;
      if (!known) for (const one of group) await this.decide([one]);
      else await this.reschedule(group, error);
    }
  }

  private async decideDeparture(group: readonly DueDeparture[]): Promise<void> {
    const { account_id: accountId, requested_by: requestedBy } = group[0]!;
    const transition = group[0]!.transition as Transition;
    const requests = group.map(({ id, user_id: userId, wishes: { successors, overrides }, return_at: returnAt }) => ({
      userId,
      successors,
      overrides,
      departureId: id,
      ...(returnAt && { returnAt: isoOf(returnAt) }),
    }));
    const foreseen = await RequestContext.create(this.em, () =>
      this.groups.prepare({ accountId, transition, requests }),
    );
    await this.em.fork().transactional(async () => {
      await this.groups.lock(accountId, requests);
      const rolesNow = await this.actors.rolesIfActive({ accountId, userId: requestedBy });
      const open = await this.schedule.hold(requests.map((request) => request.departureId));
      const still = requests.filter((request) => open.has(request.departureId));
      const verdicts = await this.groups.decide(
        { accountId, transition, requests: still, requestedBy, rolesNow: rolesNow ?? [] },
        foreseen,
      );
      await this.schedule.fail(
        verdicts.flatMap(({ request, problem }) => (problem ? [{ departureId: request.departureId, problem }] : [])),
      );
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
      if (returning instanceof Problem) return this.schedule.fail([{ departureId: id, problem: returning }]);
      const onBehalf = !mayManage(rolesNow ?? [], returning.user.roles);
      await this.decisions.apply('reactivated', [{ ...returning, departureId: id }], requested_by, { onBehalf });
    });
  }

  private async reschedule(group: readonly DueDeparture[], error: unknown): Promise<void> {
    this.log.warn({ departures: group.length, ...safeErrorFields(error) }, 'scheduled departures wait');
    await sql`
      update departure set look_after = ${new Date(this.clock.millis() + RETRY_DELAY_MS)}
      where id = any(${group.map((one) => one.id)}::uuid[])`.execute(this.inOwnTransaction);
  }

  private get inOwnTransaction() {
    return this.em.fork().getKysely();
  }
}
