import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureNewsType, DepartureTransition } from '#libs/contracts';
import { Clock } from '#libs/database';
import { isPast } from '#libs/jobs';
import { sql, type RawBuilder } from 'kysely';
import type { ApprovalFacts } from './approvals/approval-facts.js';
import type { AnsweredDeparture } from './departure-answers.js';
import type { ScheduledDeparture } from './departure-store.js';

/** How long a claim lasts. After a crash another replica takes over when it ends. */
export const LEASE_MS = 60_000;
/** Users wait for the end of a departure, so failures are retried soon and without a limit. */
export const RETRY = { delaysMs: [2_000], retryLimit: Infinity };

export type DueDeparture = Pick<
  ScheduledDeparture,
  'id' | 'account_id' | 'user_id' | 'transition' | 'requested_by' | 'effective_at' | 'wishes' | 'return_at'
>;

export interface CompletedDeparture extends AnsweredDeparture {
  completed_at: string;
}

/** A notification that is due. */
export interface DueNews {
  id: string;
  type: DepartureNewsType;
  at: string;
  departure_id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  effective_at: string;
  /** Of the news that an approval is wanted. */
  approval: Pick<ApprovalFacts, 'neededFor' | 'requestedBy' | 'expiresAt'> | null;
}

type Ids = readonly { id: string }[];

/** Claims departures and notifications for the workers of one replica. Does not use the caller's transaction. */
@Injectable()
export class DepartureClaims {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** Claims departures whose services have all answered. */
  answered(limit: number, leaseUntil: Date): Promise<AnsweredDeparture[]> {
    return this.claim<AnsweredDeparture>(sql`status = 'running' and done = total`, limit, leaseUntil);
  }

  /** Claims completed departures whose notification has not been published. */
  completed(limit: number, leaseUntil: Date): Promise<CompletedDeparture[]> {
    return this.claim<CompletedDeparture>(sql`status = 'completed' and not announced`, limit, leaseUntil);
  }

  /**
   * Claims scheduled departures that are due, the first one of each user. At the same time a deactivation comes before a
   * deletion, and both before a reactivation, which is the order of their names.
   */
  async scheduled(limit: number, leaseUntil: Date): Promise<DueDeparture[]> {
    const now = this.clock.now();
    const { rows } = await sql<DueDeparture>`
      with due as materialized (
        select id from departure d where status = 'scheduled' and effective_at <= ${now} and ${isPast(now, 'look_after', LEASE_MS)}
          and not exists (select from departure e where e.user_id = d.user_id and e.status = 'scheduled'
            and (e.effective_at, e.transition) < (d.effective_at, d.transition))
        order by effective_at limit ${limit} for no key update skip locked
      )
      update departure d set look_after = ${leaseUntil} from due where d.id = due.id
      returning d.id, d.account_id, d.user_id, d.transition, d.requested_by, d.effective_at, d.wishes, d.return_at`.execute(
      this.db,
    );
    return rows;
  }

  /** Claims unpublished notifications other than `departure.completed`. */
  async news(limit: number, leaseUntil: Date): Promise<DueNews[]> {
    const { rows } = await sql<DueNews>`
      with due as materialized (
        select id from departure_news where not told and ${isPast(this.clock.now(), 'look_after', LEASE_MS)} order by look_after limit ${limit}
        for no key update skip locked
      )
      update departure_news n set look_after = ${leaseUntil} from due, departure d
      where n.id = due.id and d.id = n.departure_id
      returning n.id, n.type, n.at, n.departure_id, d.account_id, d.user_id, d.transition, d.effective_at,
        (select jsonb_build_object('neededFor', a.needed_for, 'requestedBy', a.requested_by, 'expiresAt', a.expires_at)
          from approval a where a.id = d.id and n.type = 'departure.approval-requested') as approval`.execute(this.db);
    return rows;
  }

  /** Marks the notifications `departure.completed` of these departures as published. */
  async markAnnounced(departures: Ids): Promise<void> {
    await sql`update departure set announced = true where id = any(${idsOf(departures)}::uuid[])`.execute(this.db);
  }

  /** Marks notifications as published. */
  async markPublished(news: Ids): Promise<void> {
    await sql`update departure_news set told = true where id = any(${idsOf(news)}::uuid[])`.execute(this.db);
  }

  /** Sets the time from which answered or completed departures can be claimed again. */
  async retryAt(departures: Ids, at: Date): Promise<void> {
    await sql`update departure set close_after = ${at} where id = any(${idsOf(departures)}::uuid[])`.execute(this.db);
  }

  /** Sets the time from which scheduled departures can be claimed again, a lease from now at the latest. */
  async retryScheduledAt(departures: Ids, at: Date): Promise<void> {
    // A claim takes what is put off for longer than a lease: the clock might have been set back.
    const latest = new Date(this.clock.millis() + LEASE_MS);
    const lookAfter = at < latest ? at : latest;
    await sql`update departure set look_after = ${lookAfter} where id = any(${idsOf(departures)}::uuid[])`.execute(
      this.db,
    );
  }

  /** Sets the time from which unpublished notifications can be claimed again. */
  async retryNewsAt(news: Ids, at: Date): Promise<void> {
    await sql`
      update departure_news set look_after = ${at} where not told and id = any(${idsOf(news)}::uuid[])`.execute(
      this.db,
    );
  }

  private async claim<T>(which: RawBuilder<unknown>, limit: number, leaseUntil: Date): Promise<T[]> {
    const { rows } = await sql<T>`
      with due as materialized (
        select id from departure where ${which} and ${isPast(this.clock.now(), 'close_after', LEASE_MS)} order by close_after limit ${limit}
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
