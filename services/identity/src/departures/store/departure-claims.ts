import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureNewsType, DepartureTransition } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import type { AnsweredDeparture } from './departure-answers.js';
import type { ScheduledDeparture } from './departure-store.js';

/** Departures or events in one claim. */
export const CLAIM_SIZE = 500;
/** Departures that are decided in one transaction. */
export const SCHEDULED_CLAIM_SIZE = 200;
/** Milliseconds for which one replica keeps others from what it has claimed; a crash costs that much time. */
const LEASE_MS = 60_000;
/** Milliseconds until another try, where a service or the broker did not answer. */
const RETRY_DELAY_MS = 2_000;

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

/** Leases of departures and of their events, by which the replicas share the work. Outside of any transaction. */
@Injectable()
export class DepartureClaims {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** Departures whose services have all answered. */
  answered(): Promise<AnsweredDeparture[]> {
    return this.claim<AnsweredDeparture>(sql`status = 'running' and done = total`);
  }

  /** Completed departures that subscribers have not heard of. */
  completed(): Promise<CompletedDeparture[]> {
    return this.claim<CompletedDeparture>(sql`status = 'completed' and not announced`);
  }

  /** Scheduled departures whose day has come. */
  async scheduled(): Promise<DueDeparture[]> {
    const now = this.clock.now();
    const { rows } = await sql<DueDeparture>`
      with due as materialized (
        select id from departure where status = 'scheduled' and effective_at <= ${now} and look_after <= ${now}
        order by effective_at limit ${SCHEDULED_CLAIM_SIZE} for no key update skip locked
      )
      update departure d set look_after = ${this.later(LEASE_MS)} from due where d.id = due.id
      returning d.id, d.account_id, d.user_id, d.transition, d.requested_by, d.wishes, d.return_at`.execute(this.db);
    return rows;
  }

  /** Events for subscribers other than `departure.completed`. */
  async news(): Promise<DueNews[]> {
    const { rows } = await sql<DueNews>`
      with due as materialized (
        select id from departure_news where not told and look_after <= ${this.clock.now()} order by look_after limit ${CLAIM_SIZE}
        for no key update skip locked
      )
      update departure_news n set look_after = ${this.later(LEASE_MS)} from due, departure d
      where n.id = due.id and d.id = n.departure_id
      returning n.id, n.type, n.at, n.departure_id, d.account_id, d.user_id, d.transition, d.effective_at`.execute(
      this.db,
    );
    return rows;
  }

  /** Subscribers have heard that these departures are complete. */
  async markAnnounced(departureIds: readonly string[]): Promise<void> {
    await sql`update departure set announced = true where id = any(${[...departureIds]}::uuid[])`.execute(this.db);
  }

  /** Subscribers have heard these events. */
  async markPublished(newsIds: readonly string[]): Promise<void> {
    await sql`update departure_news set told = true where id = any(${[...newsIds]}::uuid[])`.execute(this.db);
  }

  /** Answered or completed departures that could not be worked on come again soon. */
  async retryLater(departures: readonly { id: string }[]): Promise<void> {
    await sql`
      update departure set close_after = ${this.later(RETRY_DELAY_MS)}
      where id = any(${departures.map((one) => one.id)}::uuid[])`.execute(this.db);
  }

  /** Events that the broker did not confirm come again soon. */
  async retryNewsLater(news: readonly { id: string }[]): Promise<void> {
    await sql`
      update departure_news set look_after = ${this.later(RETRY_DELAY_MS)}
      where not told and id = any(${news.map((one) => one.id)}::uuid[])`.execute(this.db);
  }

  /** Scheduled departures that could not be decided come again soon. */
  async retryScheduledLater(departures: readonly { id: string }[]): Promise<void> {
    await sql`
      update departure set look_after = ${this.later(RETRY_DELAY_MS)}
      where id = any(${departures.map((one) => one.id)}::uuid[])`.execute(this.db);
  }

  private async claim<T>(which: RawBuilder<unknown>): Promise<T[]> {
    const { rows } = await sql<T>`
      with due as materialized (
        select id from departure where ${which} and close_after <= ${this.clock.now()} order by close_after limit ${CLAIM_SIZE}
        for no key update skip locked
      )
      update departure d set close_after = ${this.later(LEASE_MS)} from due where d.id = due.id
      returning d.id, d.account_id, d.user_id, d.transition, d.round, d.lifecycle_version::float8, d.completed_at`.execute(
      this.db,
    );
    return rows;
  }

  private later(milliseconds: number): Date {
    return new Date(this.clock.millis() + milliseconds);
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}
