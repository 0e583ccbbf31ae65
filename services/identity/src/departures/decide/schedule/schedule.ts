import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Departure, type DepartureTransition, type Principal, type Transition } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../../audit/audit.js';
import type { Decision } from '../decisions.js';
import { DepartureRows } from '../../store/departure-rows.js';
import { Notifications } from '../../track/notifications.js';
import type { PlanRequest } from '../../plan/planner.js';
import { Progress } from '../../store/progress.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';

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

interface NewRow {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  requested_by: string;
  effective_at: string;
  reason: string | null;
  wishes: PlanRequest;
  return_at: string | null;
  returns_from: string | null;
}

/**
 * Departures that wait for their day. A user has at most one of leaving and one of coming back. Everything runs in the
 * caller's transaction, under the account's lock.
 */
@Injectable()
export class Schedule {
  constructor(
    private readonly em: EntityManager,
    private readonly departures: DepartureRows,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly progress: Progress,
    private readonly news: Notifications,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Those of them who are to leave on some day. */
  async usersWithScheduledDeparture(userIds: readonly string[]): Promise<Set<string>> {
    const { rows } = await sql<{ user_id: string }>`
      select user_id from departure
      where user_id = any(${[...userIds]}::uuid[]) and status = 'scheduled' and transition <> 'reactivated'`.execute(
      this.db,
    );
    return new Set(rows.map((row) => row.user_id));
  }

  /** Of people who are not `leaving` yet. @returns the ids of the departures, in the order of the people */
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
    await this.insert(rows);
    await this.audit.append(
      rows.map(({ id: departureId, user_id: subjectId }) => ({
        accountId,
        action: 'departure.scheduled',
        actorId: requestedBy,
        subjectId,
        detail: { departureId, transition, effectiveAt },
      })),
    );
    return rows.map((row) => row.id);
  }

  /** Those who have left for a time have the day of their return put down. */
  async scheduleReturns(left: readonly Decision[]): Promise<void> {
    const away = left.filter((one) => one.returnAt !== undefined);
    if (away.length === 0) return;
    const ids = away.map((one) => one.departureId!);
    await sql`
      update departure d set return_at = n.return_at
      from unnest(${ids}::uuid[], ${away.map((one) => one.returnAt!)}::timestamptz[]) as n (id, return_at)
      where d.id = n.id`.execute(this.db);
    const { rows } = await sql<{ id: string; requested_by: string }>`
      select id, requested_by from departure where id = any(${ids}::uuid[])`.execute(this.db);
    const requesters = new Map(rows.map((row) => [row.id, row.requested_by]));
    await this.insert(
      away.map(({ user, returnAt, departureId }) => ({
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
   * What is decided now takes the place of what was to happen later: whoever is back or deleted need not be brought back,
   * and somebody's decision of today outdoes the one for another day.
   */
  async cancelOvertaken(transition: DepartureTransition, decided: readonly Decision[]): Promise<void> {
    const now = decided.filter((one) => one.departureId === undefined).map((one) => one.user.id);
    const begun = decided.flatMap((one) => one.departureId ?? []);
    const { rows } = await sql<{ id: string; status: string }>`
      update departure set status = case transition when 'reactivated' then 'cancelled' else 'superseded' end
      where user_id = any(${decided.map((one) => one.user.id)}::uuid[]) and status = 'scheduled' and id <> all(${begun}::uuid[])
        and case transition when 'reactivated' then ${transition} <> 'deactivated' else user_id = any(${now}::uuid[]) end
      returning id, status`.execute(this.db);
    await this.recordProgress(rows);
  }

  /** @throws Problem `not-found`, `forbidden`, or `conflict` for a departure that does not wait for its day */
  async cancel(principal: Principal, id: string): Promise<Departure> {
    const { accountId, userId } = principal;
    const { user_id: subjectId } = await this.departures.get(accountId, id);
    const { roles } = await this.users.get(accountId, subjectId);
    assertMayManage(await this.actors.rolesOf(principal), roles);
    const { status, transition } = await this.departures.get(accountId, id, true);
    if (status !== 'scheduled')
      throw new Problem('conflict', { detail: `The departure is ${status}: only a scheduled one can be called off.` });
    await sql`update departure set status = 'cancelled' where id = ${id}`.execute(this.db);
    await this.recordProgress([{ id, status: 'cancelled' }]);
    const detail = { departureId: id, transition };
    await this.audit.append([{ accountId, action: 'departure.cancelled', actorId: userId, subjectId, detail }]);
    return this.departures.view(accountId, id);
  }

  /** Keeps those that still wait from being called off until the transaction ends. Comes after the locks on users. */
  async hold(ids: readonly string[]): Promise<Set<string>> {
    const { rows } = await sql<{ id: string }>`
      select id from departure where id = any(${[...ids]}::uuid[]) and status = 'scheduled'
      order by id for no key update`.execute(this.db);
    return new Set(rows.map((row) => row.id));
  }

  /** Their day has come, and something stands in the way. */
  async fail(failed: readonly { departureId: string; problem: Problem }[]): Promise<void> {
    if (failed.length === 0) return;
    const faults = failed.map(({ departureId: id, problem }) => ({ id, error: problem.code, detail: problem.message }));
    const { rows } = await sql<{ id: string; account_id: string; user_id: string; transition: string; error: string }>`
      update departure d set status = 'failed', error = f.error, error_detail = f.detail
      from jsonb_to_recordset(${JSON.stringify(faults)}::jsonb) as f (id uuid, error text, detail text)
      where d.id = f.id returning d.id, d.account_id, d.user_id, d.transition, d.error`.execute(this.db);
    await this.recordProgress(rows.map(({ id }) => ({ id, status: 'failed' })));
    await this.audit.append(
      rows.map(({ id: departureId, account_id: accountId, user_id: subjectId, transition, error: code }) => ({
        accountId,
        action: 'departure.refused',
        system: 'departure',
        subjectId,
        detail: { departureId, transition, code },
      })),
    );
  }

  private async insert(rows: readonly NewRow[]): Promise<void> {
    await sql`
      insert into departure (id, account_id, user_id, transition, requested_by, effective_at, reason, wishes, return_at,
        returns_from, status, requested_at, total)
      select n.*, 'scheduled', ${this.clock.now()}::timestamptz, 0
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (id uuid, account_id uuid, user_id uuid, transition text,
        requested_by uuid, effective_at timestamptz, reason text, wishes jsonb, return_at timestamptz, returns_from uuid)`.execute(
      this.db,
    );
    await this.news.record(
      'departure.scheduled',
      rows.map((row) => row.id),
    );
  }

  private recordProgress(changed: readonly { id: string; status: string }[]): Promise<void> {
    return this.progress.record(
      changed.map(({ id, status }) => ({
        departureId: id,
        type: 'departure',
        data: { id, status, progress: { done: 0, total: 0 } },
      })),
    );
  }

  private get db() {
    return this.em.getKysely();
  }
}

export const alreadyScheduled = () =>
  new Problem('conflict', { detail: 'A departure of this user is scheduled already. Cancel that one first.' });
