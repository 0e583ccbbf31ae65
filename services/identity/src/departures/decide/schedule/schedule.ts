import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureTransition, LeavingTransition, Problem, Restore } from '#libs/contracts';
import { Clock, Ids, relationOf } from '#libs/database';
import { sql } from 'kysely';
import type { NewEntry } from '../../../audit/audit.js';
import type { PlanRequest } from '../../plan/planner.js';
import type { DueDeparture } from '../../store/departure-claims.js';
import { Drafts } from '../../draft/drafts.js';
import { DepartureStore, SYSTEM } from '../../store/departure-store.js';
import { ScheduledSteps, type ScheduledStep } from '../../store/scheduled/scheduled-steps.js';
import type { Decision } from '../decision-events.js';
import { Erasures } from './erasures.js';
import { endOf, endOfWaiting } from './overtaking.js';

/** How often an erasure that a legal hold delays looks whether the hold has been lifted. */
const HOLD_CHECK_MS = 60_000;

type Actor = Pick<NewEntry, 'actorId' | 'system'>;

interface ScheduledFor {
  accountId: string;
  transition: LeavingTransition;
  requestedBy: string | null;
  /** ISO 8601. */
  effectiveAt: string;
}

interface ScheduledLeaver {
  userId: string;
  wishes: PlanRequest;
  reason?: string;
  returnAt?: string;
  returnRestore?: Restore;
}

/**
 * Scheduled departures. A user has at most one scheduled deactivation, one scheduled deletion and one scheduled
 * reactivation. Everything runs in the caller's transaction, under the account's lock.
 */
@Injectable()
export class Schedule {
  constructor(
    private readonly em: EntityManager,
    private readonly store: DepartureStore,
    private readonly steps: ScheduledSteps,
    private readonly drafts: Drafts,
    private readonly erasures: Erasures,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** The guards must have allowed these departures. @returns the ids of the departures, in the order of the users */
  async scheduleDepartures(
    { accountId, transition, requestedBy, effectiveAt }: ScheduledFor,
    leavers: readonly ScheduledLeaver[],
  ): Promise<string[]> {
    const rows = leavers.map(({ userId, wishes, reason, returnAt, returnRestore }) => ({
      id: this.ids.next(),
      account_id: accountId,
      user_id: userId,
      transition,
      requested_by: requestedBy,
      effective_at: effectiveAt,
      reason: reason ?? null,
      wishes: { ...wishes, ...(returnRestore && { returnRestore }) },
      return_at: returnAt ?? null,
      returns_from: null,
    }));
    await this.drafts.drop(leavers.map((leaver) => leaver.userId));
    await this.store.schedule(rows, {
      by: requestedBy === null ? SYSTEM : { actorId: requestedBy },
      detail: ({ id: departureId }) => ({ departureId, transition, effectiveAt }),
    });
    return rows.map((row) => row.id);
  }

  /** Schedules the returns that these decisions name, and the deletions that the policy wants after them. */
  async scheduleWhatFollows(transition: DepartureTransition, decisions: readonly Decision[]): Promise<void> {
    await this.scheduleReturns(decisions);
    await this.erasures.schedule(transition, decisions);
  }

  /** Schedules the reactivation for decisions with a `returnAt`. */
  private async scheduleReturns(decisions: readonly Decision[]): Promise<void> {
    const leaves = decisions.filter((one) => one.returnAt !== undefined);
    if (leaves.length === 0) return;
    await this.store.setReturn(
      leaves.map(({ departureId, returnAt }) => ({ departureId: departureId!, returnAt: returnAt! })),
    );
    const requesters = await this.requestersOf(leaves.map((one) => one.departureId!));
    await this.store.schedule(
      leaves.map(({ user, returnAt, returnRestore, departureId }) => ({
        id: this.ids.next(),
        account_id: user.account_id,
        user_id: user.id,
        transition: 'reactivated',
        requested_by: requesters.get(departureId!)!,
        effective_at: returnAt!,
        reason: null,
        wishes: returnRestore ? { restore: returnRestore } : {},
        return_at: null,
        returns_from: departureId!,
      })),
    );
  }

  /**
   * Ends the departures of the same users, scheduled or waiting for approval, that the decisions contradict or overtake, and
   * drops the drafts about them.
   * @param decisions with their departures, which must exist already
   */
  async callOffOvertaken(transition: DepartureTransition, decisions: readonly Decision[], by: Actor): Promise<void> {
    const userIds = decisions.map((one) => one.user.id);
    // After a reassignment the departure is still to be decided.
    if (transition !== 'reassigned') await this.drafts.drop(userIds);
    const scheduled = await this.steps.of(userIds);
    const waiting = Map.groupBy(await this.steps.awaitingApproval(userIds), ({ userId }) => userId);
    const calledOff = decisions.flatMap(({ user, returnAt, departureId }) => {
      const happens = { transition, returnAt };
      const planned = Object.values(scheduled.get(user.id) ?? {}).map((one) => ({
        one,
        to: endOf(one.transition, happens),
      }));
      const wanted = (waiting.get(user.id) ?? []).map((one) => ({ one, to: endOfWaiting(one.transition, happens) }));
      return [...planned, ...wanted].flatMap(({ one: { id, effectiveAt }, to }) =>
        to ? [{ id, to, calledOffBy: departureId!, effectiveAt }] : [],
      );
    });
    await this.store.callOff(calledOff, by);
  }

  /**
   * Calls off the returns of locked users who are to stay away. It writes to the audit trail, so call it last.
   * @returns the departures from which they would have returned
   */
  async callOffReturns(returns: readonly ScheduledStep[], by: Actor): Promise<string[]> {
    await this.drafts.drop(returns.map((one) => one.userId));
    const calledOff = returns.map(({ id, effectiveAt, returnsFrom }) => ({
      id,
      effectiveAt,
      calledOffBy: returnsFrom!,
    }));
    await this.store.callOff(
      calledOff.map((one) => ({ ...one, to: 'cancelled' })),
      by,
    );
    return calledOff.map((one) => one.calledOffBy);
  }

  /**
   * Locks those of the claimed departures that are still scheduled for the same times, until the transaction ends. Call it
   * after the locks on users.
   * @returns their ids
   */
  async hold(claimed: readonly DueDeparture[]): Promise<Set<string>> {
    const times = claimed.map(({ id, effective_at, return_at }) => ({ id, effective_at, return_at }));
    const types = { id: 'uuid', effective_at: 'timestamptz', return_at: 'timestamptz' };
    const { rows } = await sql<{ id: string }>`
      select d.id from departure d join ${relationOf('c', times, types)} on c.id = d.id
      where d.status = 'scheduled' and d.effective_at = c.effective_at and d.return_at is not distinct from c.return_at
      order by d.id for no key update of d`.execute(this.db);
    return new Set(rows.map((row) => row.id));
  }

  /**
   * Ends due departures that a guard has refused.
   * @returns those that only have to wait, and until when: the deactivation before them was carried out late, or a legal hold
   * delays what the policy erases
   */
  async refuse(refused: readonly { departureId: string; problem: Problem }[]): Promise<Map<string, Date>> {
    const retained = refused.filter(({ problem }) => problem.code === 'retention').map((one) => one.departureId);
    const waiting = await this.steps.retainedUntil(retained);
    const held = refused.filter(({ problem }) => problem.code === 'legal-hold').map((one) => one.departureId);
    for (const id of await this.steps.erasuresAmong(held)) waiting.set(id, this.nextLook());
    await this.store.refuse(refused.filter(({ departureId }) => !waiting.has(departureId)));
    return waiting;
  }

  private nextLook(): Date {
    return new Date(this.clock.millis() + HOLD_CHECK_MS);
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
