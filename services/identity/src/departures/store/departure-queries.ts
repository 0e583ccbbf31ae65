import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Departure, type DepartureQuery, type DepartureSummary, type Page } from '#libs/contracts';
import { Directory, pageWindow, sortedWindow, toPage, toSortedPage, type Sorting } from '#libs/database';
import { Outbox, type WaitingEvent } from '#libs/outbox';
import { sql, type RawBuilder } from 'kysely';
import { approvalFactsOf } from './approvals/approval-facts.js';
import type { DepartureRow } from './departure-row.js';
import { departureFilter, ofPeopleWith, sortingOf } from './view/departure-filter.js';
import { toDeparture, toSummary, type Parts } from './view/departure-view.js';
import { ScheduledSteps } from './scheduled/scheduled-steps.js';
import { ServiceStates } from './service-states.js';

/** Reads departures as rows and in the form of the API. */
@Injectable()
export class DepartureQueries {
  constructor(
    private readonly em: EntityManager,
    private readonly states: ServiceStates,
    private readonly scheduled: ScheduledSteps,
    private readonly outbox: Outbox,
    private readonly directory: Directory,
  ) {}

  /** @throws Problem `not-found`, also for a departure of another account */
  async get(accountId: string, id: string, lock = false): Promise<DepartureRow> {
    const [row] = await this.select(
      sql`d.account_id = ${accountId} and d.id = ${id} ${lock ? sql`for no key update` : sql``}`,
    );
    if (!row) throw new Problem('not-found', { detail: 'There is no such departure.' });
    return row;
  }

  /** In the order of their ids. */
  async byIds(ids: readonly string[]): Promise<DepartureRow[]> {
    return this.select(sql`d.id = any(${[...ids]}::uuid[]) order by d.id`);
  }

  /**
   * The decisions in force that began after `since` and are over, in the order of their ids.
   * @param after the id of the last departure of the page before
   */
  async concludedSince(since: Date, after: string | null, limit: number): Promise<DepartureRow[]> {
    return this.select(sql`
      d.begun_at > ${since} and d.status in ('completed', 'failed') and (${after}::uuid is null or d.id > ${after}::uuid)
      and exists (select from users u where u.id = d.user_id and u.lifecycle_version = d.lifecycle_version)
      order by d.id limit ${limit}`);
  }

  /** Locks and returns departures of users who have left that do not include this service. */
  async withoutService(service: string, accountId: string, limit: number): Promise<DepartureRow[]> {
    return this.select(sql`
      d.account_id = ${accountId} and d.status in ('running', 'completed', 'failed')
      and exists (select from users u where u.id = d.user_id and u.lifecycle_version = d.lifecycle_version
        and u.status in ('deactivated', 'deleted'))
      and not exists (select from departure_service s where s.departure_id = d.id and s.service = ${service}
        and s.status <> 'retired')
      order by d.id limit ${limit} for no key update of d`);
  }

  /** Locks and returns the newest departures of users that this service has answered since then. */
  async answeredSince(
    service: string,
    { accountId, since, after, limit }: { accountId: string; since: string; after: string | null; limit: number },
  ): Promise<DepartureRow[]> {
    return this.select(sql`
      d.account_id = ${accountId} and (${after}::uuid is null or d.id > ${after}::uuid)
      and d.status in ('running', 'completed', 'failed')
      and exists (select from users u where u.id = d.user_id and u.lifecycle_version = d.lifecycle_version)
      and exists (select from departure_service s where s.departure_id = d.id and s.service = ${service}
        and s.status in ('completed', 'failed') and s.updated_at >= ${since}::timestamptz)
      order by d.id limit ${limit} for no key update of d`);
  }

  /** The departures of the user since the activation that this one ended, without this one, oldest first. */
  async earlierOf({ account_id, user_id, active_since, lifecycle_version }: DepartureRow): Promise<Departure[]> {
    return this.views(
      await this.select(sql`
        d.account_id = ${account_id} and d.user_id = ${user_id} and d.transition in ('deactivated', 'deleted')
        and d.lifecycle_version > ${active_since} and d.lifecycle_version < ${lifecycle_version}
        order by d.lifecycle_version`),
    );
  }

  async view(accountId: string, id: string): Promise<Departure> {
    const [view] = await this.views([await this.get(accountId, id)]);
    return view!;
  }

  /** When the latest deactivation or deletion of a user who has left began. */
  async leftAt(accountId: string, userId: string): Promise<Date | undefined> {
    const { rows } = await sql<{ at: string | null }>`
      select max(d.begun_at) as at from departure d join users u on u.id = d.user_id
      where u.id = ${userId} and u.account_id = ${accountId} and u.status in ('deactivated', 'deleted')
        and d.transition in ('deactivated', 'deleted')`.execute(this.db);
    const at = rows[0]?.at;
    return at ? new Date(at) : undefined;
  }

  /** Whether the departure has begun and tells the contacts of the leaver, or has told them. */
  async tellsContacts(accountId: string, id: string): Promise<boolean> {
    const { rows } = await sql`
      select from departure
      where id = ${id} and account_id = ${accountId} and begun_at is not null and wishes -> 'tellContacts' is not null`.execute(
      this.db,
    );
    return rows.length > 0;
  }

  /**
   * Without the receipt lines, of which a departure can have a hundred.
   * @throws Problem `invalid-cursor`
   */
  async page(accountId: string, query: DepartureQuery): Promise<Page<DepartureSummary>> {
    const people = query.q ? await ofPeopleWith(this.em, accountId, query.q) : sql`true`;
    const filter = departureFilter(accountId, query, people);
    const sorting = sortingOf(query);
    if (sorting) return this.sortedPage(filter, query, sorting);
    const { limit, before } = pageWindow(query);
    const window = before ? sql`${filter} and d.id < ${before}::uuid` : filter;
    return toPage(await this.summaries(await this.select(sql`${window} order by d.id desc limit ${limit + 1}`)), query);
  }

  private async sortedPage(
    filter: RawBuilder<unknown>,
    query: DepartureQuery,
    sorting: Sorting,
  ): Promise<Page<DepartureSummary>> {
    const { limit, after, order, position } = sortedWindow(query, sorting);
    const { rows } = await sql<{ id: string; position: string }>`
      select d.id, ${position} as position from departure d where ${filter} and ${after}
      order by ${order} limit ${limit + 1}`.execute(this.db);
    const known = new Map((await this.byIds(rows.map((row) => row.id))).map((row) => [row.id, row]));
    const inOrder = rows.map((row) => known.get(row.id)!);
    return toSortedPage(rows, query, await this.summaries(inOrder));
  }

  private async summaries(rows: readonly DepartureRow[]): Promise<DepartureSummary[]> {
    const named = rows.flatMap(({ user_id: userId, requested_by: requestedBy }) => [userId, requestedBy ?? userId]);
    const people = await this.directory.views(named);
    return this.viewsWith(
      rows,
      (ids) => this.states.summariesOf(ids),
      (row, parts) => toSummary(row, parts, people),
    );
  }

  private views(rows: readonly DepartureRow[]): Promise<Departure[]> {
    return this.viewsWith(rows, (ids) => this.states.of(ids), toDeparture);
  }

  private async viewsWith<State extends { departure_id: string }, View>(
    rows: readonly DepartureRow[],
    statesOf: (ids: readonly string[]) => Promise<State[]>,
    viewOf: (row: DepartureRow, parts: Parts<State>) => View,
  ): Promise<View[]> {
    const ids = rows.map((row) => row.id);
    const states = Map.groupBy(await statesOf(ids), (state) => state.departure_id);
    const calledOff = await this.scheduled.calledOffBy(ids);
    const waiting = await this.waitingEvents(rows);
    return rows.map((row) =>
      viewOf(row, {
        states: states.get(row.id) ?? [],
        calledOff: calledOff.get(row.id),
        waiting: waiting.get(row.id),
      }),
    );
  }

  /** The events of open departures that services have not acknowledged, by departure. */
  private async waitingEvents(rows: readonly DepartureRow[]): Promise<Map<string, WaitingEvent>> {
    const open = rows.filter(({ status }) => status === 'running' || status === 'failed');
    const waiting = await this.outbox.waiting(open.map(({ user_id: userId, seq }) => ({ userId, seq })));
    const ids = new Map(open.map(({ id, user_id: userId, seq }) => [`${userId} ${seq}`, id]));
    return new Map(waiting.map((event) => [ids.get(`${event.userId} ${event.seq}`)!, event]));
  }

  private async select(where: RawBuilder<unknown>): Promise<DepartureRow[]> {
    const { rows } = await sql<DepartureRow>`
      select d.id, d.account_id, d.user_id, d.transition, d.status, d.requested_by, d.requested_at, d.effective_at,
        d.completed_at, d.reason, d.begun_at,
        case when d.return_at is null or d.status in ('scheduled', 'awaiting-approval') then d.return_at else (
          select max(r.effective_at) from departure r where r.returns_from = d.id and r.status in ('scheduled', 'running', 'completed')
        ) end as return_at, d.returns_from, d.erases_from, d.called_off_by, d.error, d.error_detail, d.steps, d.active_since::float8, d.was_manager, d.policy, d.wishes, d.lifecycle_version::float8,
        d.seq::float8, d.address_digest, d.conversion, d.round, d.total, d.done,
        ${approvalFactsOf(sql`d.id`)} as approval,
        d.status in ('scheduled', 'awaiting-approval') and exists (select from users u where u.id = d.requested_by
          and u.status in ('deactivated', 'deleted')) as requester_has_left
      from departure d where ${where}`.execute(this.db);
    return rows;
  }

  private get db() {
    return this.em.getKysely();
  }
}
