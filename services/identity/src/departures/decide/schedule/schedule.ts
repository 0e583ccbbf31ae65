import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Departure, type DepartureTransition, type Principal, type Transition } from '#libs/contracts';
import { Ids } from '#libs/database';
import { sql } from 'kysely';
import { actorOf } from '../../../audit/audit.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';
import type { PlanRequest } from '../../plan/planner.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import { DepartureStore } from '../../store/departure-store.js';
import type { Decision } from '../decision-events.js';

interface ScheduledFor {
  accountId: string;
  transition: Transition;
  requestedBy: string;
  /** ISO 8601. */
  effectiveAt: string;
}

interface ScheduledLeaver {
  userId: string;
  wishes: PlanRequest;
  reason?: string;
  returnAt?: string;
}

/**
 * Scheduled departures. A user has at most one scheduled departure and one scheduled reactivation. Everything runs in the
 * caller's transaction, under the account's lock.
 */
@Injectable()
export class Schedule {
  constructor(
    private readonly em: EntityManager,
    private readonly store: DepartureStore,
    private readonly departures: DepartureQueries,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly ids: Ids,
  ) {}

  /** The users must not have a scheduled departure. @returns the ids of the departures, in the order of the users */
  async scheduleDepartures(
    { accountId, transition, requestedBy, effectiveAt }: ScheduledFor,
    leavers: readonly ScheduledLeaver[],
  ): Promise<string[]> {
    const rows = leavers.map(({ userId, wishes, reason, returnAt }) => ({
      id: this.ids.next(),
      account_id: accountId,
      user_id: userId,
      transition,
      requested_by: requestedBy,
      effective_at: effectiveAt,
      reason: reason ?? null,
      wishes,
      return_at: returnAt ?? null,
      returns_from: null,
    }));
    await this.store.schedule(rows, {
      by: { actorId: requestedBy },
      detail: ({ id: departureId }) => ({ departureId, transition, effectiveAt }),
    });
    return rows.map((row) => row.id);
  }

  /** Schedules the reactivation for decisions with a `returnAt`. */
  async scheduleReturns(decisions: readonly Decision[]): Promise<void> {
    const leaves = decisions.filter((one) => one.returnAt !== undefined);
    if (leaves.length === 0) return;
    await this.store.setReturn(
      leaves.map(({ departureId, returnAt }) => ({ departureId: departureId!, returnAt: returnAt! })),
    );
    const requesters = await this.requestersOf(leaves.map((one) => one.departureId!));
    await this.store.schedule(
      leaves.map(({ user, returnAt, departureId }) => ({
        id: this.ids.next(),
        account_id: user.account_id,
        user_id: user.id,
        transition: 'reactivated',
        requested_by: requesters.get(departureId!)!,
        effective_at: returnAt!,
        reason: null,
        wishes: {},
        return_at: null,
        returns_from: departureId!,
      })),
    );
  }

  /**
   * Ends scheduled departures that the decisions contradict: a reactivation or deletion cancels the scheduled reactivation,
   * and a decision that does not come from the schedule supersedes the scheduled departure.
   */
  async cancelOvertaken(transition: DepartureTransition, decisions: readonly Decision[]): Promise<void> {
    const begun = decisions.flatMap((one) => one.departureId ?? []);
    const { rows } = await sql<{ id: string; user_id: string; is_return: boolean }>`
      select id, user_id, transition = 'reactivated' as is_return from departure
      where user_id = any(${decisions.map((one) => one.user.id)}::uuid[]) and status = 'scheduled'
        and id <> all(${begun}::uuid[])`.execute(this.db);
    const fresh = new Set(decisions.filter((one) => one.departureId === undefined).map((one) => one.user.id));
    const returns = transition === 'deactivated' ? [] : rows.filter((row) => row.is_return);
    const leaves = rows.filter((row) => !row.is_return && fresh.has(row.user_id));
    const idsOf = (some: readonly { id: string }[]) => some.map(({ id }) => id);
    await this.store.transition(idsOf(returns), ['scheduled'], 'cancelled');
    await this.store.transition(idsOf(leaves), ['scheduled'], 'superseded');
  }

  /** @throws Problem `not-found`, `forbidden`, or `conflict` for a departure that is not scheduled */
  async cancel(principal: Principal, id: string): Promise<Departure> {
    const { accountId } = principal;
    const { user_id: subjectId } = await this.departures.get(accountId, id);
    const { roles } = await this.users.get(accountId, subjectId);
    assertMayManage(await this.actors.rolesOf(principal), roles);
    const { status } = await this.departures.get(accountId, id, true);
    if (status !== 'scheduled')
      throw new Problem('conflict', { detail: `The departure is ${status}: only a scheduled one can be cancelled.` });
    await this.store.transition([id], ['scheduled'], 'cancelled', { by: actorOf(principal) });
    return this.departures.view(accountId, id);
  }

  /** Locks departures that are still scheduled, until the transaction ends. Call it after the locks on users. @returns their ids */
  async hold(ids: readonly string[]): Promise<Set<string>> {
    const { rows } = await sql<{ id: string }>`
      select id from departure where id = any(${[...ids]}::uuid[]) and status = 'scheduled'
      order by id for no key update`.execute(this.db);
    return new Set(rows.map((row) => row.id));
  }

  private async requestersOf(departureIds: readonly string[]): Promise<Map<string, string>> {
    const { rows } = await sql<{ id: string; requested_by: string }>`
      select id, requested_by from departure where id = any(${[...departureIds]}::uuid[])`.execute(this.db);
    return new Map(rows.map((row) => [row.id, row.requested_by]));
  }

  private get db() {
    return this.em.getKysely();
  }
}

export const alreadyScheduled = () =>
  new Problem('conflict', { detail: 'A departure of this user is scheduled already. Cancel that one first.' });
