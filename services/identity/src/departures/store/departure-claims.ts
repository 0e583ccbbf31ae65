import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureNewsType, DepartureTransition } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import type { AnsweredDeparture } from './departure-answers.js';
import type { ScheduledDeparture } from './departure-store.js';

/** Milliseconds for which one replica keeps others from what it has claimed; a crash costs that much time. */
export const LEASE_MS = 60_000;
/** Somebody waits for the end of a departure, so whatever did not answer is asked again soon, and without a limit. */
export const RETRY = { delaysMs: [2_000], retryLimit: Infinity };

export type DueDeparture = Pick<
  ScheduledDeparture,
  'id' | 'account_id' | 'user_id' | 'transition' | 'requested_by' | 'wishes' | 'return_at'
>;

export interface CompletedDeparture extends AnsweredDeparture {
  completed_at: string;
}

/** An event for subscribers that is due. */
export interface DueNews {
  id: string;
  type: DepartureNewsType;
  at: string;
  departure_id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  effective_at: string;
}

type Ids = readonly { id: string }[];

/** Leases of departures and of their events, by which the replicas share the work. Outside of any transaction. */
@Injectable()
export class DepartureClaims {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** Departures whose services have all answered. */
  answered(limit: number, leaseUntil: Date): Promise<AnsweredDeparture[]> {
    return this.claim<AnsweredDeparture>(sql`status = 'running' and done = total`, limit, leaseUntil);
  }

  /** Completed departures that subscribers have not heard of. */
  completed(limit: number, leaseUntil: Date): Promise<CompletedDeparture[]> {
    return this.claim<CompletedDeparture>(sql`status = 'completed' and not announced`, limit, leaseUntil);
  }

  /** Scheduled departures whose day has come. */
  async scheduled(limit: number, leaseUntil: Date): Promise<DueDeparture[]> {
    const now = this.clock.now();
    const { rows } = await sql<DueDeparture>`
      with due as materialized (
        select id from departure where status = 'scheduled' and effective_at <= ${now} and look_after <= ${now}
        order by effective_at limit ${limit} for no key update skip locked
      )
      update departure d set look_after = ${leaseUntil} from due where d.id = due.id
      returning d.id, d.account_id, d.user_id, d.transition, d.requested_by, d.wishes, d.return_at`.execute(this.db);
    return rows;
  }

  /** Events for subscribers other than `departure.completed`. */
  async news(limit: number, leaseUntil: Date): Promise<DueNews[]> {
    const { rows } = await sql<DueNews>`
      with due as materialized (
        select id from departure_news where not told and look_after <= ${this.clock.now()} order by look_after limit ${limit}
        for no key update skip locked
      )
      update departure_news n set look_after = ${leaseUntil} from due, departure d
      where n.id = due.id and d.id = n.departure_id
      returning n.id, n.type, n.at, n.departure_id, d.account_id, d.user_id, d.transition, d.effective_at`.execute(
      this.db,
    );
    return rows;
  }

  /** Subscribers have heard that these departures are complete. */
  async markAnnounced(departures: Ids): Promise<void> {
    await sql`update departure set announced = true where id = any(${idsOf(departures)}::uuid[])`.execute(this.db);
  }

  /** Subscribers have heard these events. */
  async markPublished(news: Ids): Promise<void> {
    await sql`update departure_news set told = true where id = any(${idsOf(news)}::uuid[])`.execute(this.db);
  }

  /** Answered or completed departures are claimed again from then on. */
  async retryAt(departures: Ids, at: Date): Promise<void> {
    await sql`update departure set close_after = ${at} where id = any(${idsOf(departures)}::uuid[])`.execute(this.db);
  }

  /** The same for scheduled departures. */
  async retryScheduledAt(departures: Ids, at: Date): Promise<void> {
    await sql`update departure set look_after = ${at} where id = any(${idsOf(departures)}::uuid[])`.execute(this.db);
  }

  /** The same for events that have not been published. */
  async retryNewsAt(news: Ids, at: Date): Promise<void> {
    await sql`
      update departure_news set look_after = ${at} where not told and id = any(${idsOf(news)}::uuid[])`.execute(
      this.db,
    );
  }

  private async claim<T>(which: RawBuilder<unknown>, limit: number, leaseUntil: Date): Promise<T[]> {
    const { rows } = await sql<T>`
      with due as materialized (
        select id from departure where ${which} and close_after <= ${this.clock.now()} order by close_after limit ${limit}
        for no key update skip locked
      )
      update departure d set close_after = ${leaseUntil} from due where d.id = due.id
      returning d.id, d.account_id, d.user_id, d.transition, d.round, d.lifecycle_version::float8, d.completed_at`.execute(
      this.db,
    );
    return rows;
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}

const idsOf = (rows: Ids): string[] => rows.map(({ id }) => id);
