import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Worker, WorkerContext, type ErrorClass } from '#libs/jobs';
import { Ledger, type SentMessage } from '../activity/ledger.js';
import { Carrier, CarrierUnavailable, type Handover } from './carrier.js';

const CONCURRENCY = 20;
/** Smaller than the concurrency, so that slow messages do not hold up the others. */
const BATCH_SIZE = 10;
/** Messages of one account that are sent at the same time, so that a large campaign does not hold up other accounts. */
const ACCOUNT_CONCURRENCY = 10;
/** Nothing wakes the worker: all messages are in its table, and few of them are queued. */
const POLL_MS = 1_000;
/** Longer than an attempt can take. */
const LEASE_MS = 60_000;
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** Covers an outage of several hours. A text that arrives later is useless. */
const RETRY = { delaysMs: [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR], jitter: 0.1 };

interface Claimed extends SentMessage {
  to_phone: string | null;
  text: string;
  attempts: number;
}

/**
 * Sends queued messages to the carrier at least once, with an id by which the carrier recognizes duplicates. No
 * transaction is open while it waits for the answer.
 */
@Injectable()
export class CarrierWorker extends Worker<Claimed> {
  private readonly underWay = new Set<Claimed>();
  /** Milliseconds since 1970 between which the carrier wants no messages. After a restart, it says so again. */
  private closed = { from: 0, until: 0 };

  constructor(
    private readonly em: EntityManager,
    private readonly carrier: Carrier,
    private readonly ledger: Ledger,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'carrier',
      pollMs: POLL_MS,
      batchSize: BATCH_SIZE,
      concurrency: CONCURRENCY,
      leaseMs: LEASE_MS,
      retry: RETRY,
    });
  }

  protected override async claim(limit: number): Promise<Claimed[]> {
    if (this.isPaused()) return [];
    const underWay = [...this.underWay];
    const { rows } = await sql<Claimed>`
      with recursive queue (account_id) as (
        -- The accounts that have queued messages, one look into the index each.
        (select account_id from message where status = 'queued' order by account_id limit 1)
        union all
        select (select m.account_id from message m where m.status = 'queued' and m.account_id > q.account_id
          order by m.account_id limit 1)
        from queue q where q.account_id is not null
      ), candidate as materialized (
        select m.id, m.due_at, m.account_id from queue q cross join lateral (
          select id, due_at, account_id from message
          where status = 'queued' and account_id = q.account_id and ${this.isDue()}
            and id <> all(${underWay.map(({ id }) => id)}::uuid[])
          order by due_at limit ${limit} for update skip locked) m
      ), in_turn as (
        select c.*, row_number() over (partition by account_id order by due_at) + (
          select count(*) from unnest(${underWay.map(({ account_id: account }) => account)}::uuid[]) as busy (account_id)
          where busy.account_id = c.account_id) as nth
        from candidate c
      ), due as materialized (
        select id from in_turn where nth <= ${ACCOUNT_CONCURRENCY}::int order by nth, due_at limit ${limit})
      update message m set attempts = m.attempts + 1, due_at = ${this.leaseUntil()} from due where m.id = due.id
      returning m.id, m.account_id, m.inbox_id, m.contact_id, m.sent_by, m.team_ids, m.to_phone, m.text, m.attempts`.execute(
      this.em.fork().getKysely(),
    );
    return rows;
  }

  /** Its end makes room for another message of the same account. */
  protected override start(message: Claimed): Promise<void> {
    this.underWay.add(message);
    return super.start(message).finally(() => {
      this.underWay.delete(message);
      this.wake();
    });
  }

  protected override async run(message: Claimed): Promise<void> {
    const { id, inbox_id: inboxId, to_phone: to, text } = message;
    // A contact without a number cannot be reached.
    await this.record(message, to ? await this.carrier.hand({ id, inboxId, to, text }) : 'failed');
  }

  protected override async failed(message: Claimed, { kind }: ErrorClass, error: unknown): Promise<Date | undefined> {
    const { id, attempts } = message;
    if (error instanceof CarrierUnavailable && error.retryAfterMs > 0) this.pauseFor(error.retryAfterMs);
    const retryAt = kind === 'permanent' ? undefined : this.retryAt(attempts - 1);
    if (!retryAt) await this.record(message, 'failed');
    else
      await sql`
        update message set due_at = ${retryAt} where id = ${id} and status = 'queued' and attempts = ${attempts}`.execute(
        this.em.fork().getKysely(),
      );
    return retryAt;
  }

  protected override about({ id, attempts }: Claimed): object {
    return { message: id, attempts };
  }

  private pauseFor(milliseconds: number): void {
    const now = this.clock.millis();
    this.closed = { from: now, until: Math.max(now + milliseconds, this.isPaused() ? this.closed.until : 0) };
  }

  /** A clock that was ahead when the pause began, and has been corrected since, ends it. */
  private isPaused(): boolean {
    const now = this.clock.millis();
    return this.closed.from <= now && now < this.closed.until;
  }

  /** A late failure changes nothing once the message is being sent again. That it was sent is true, however late. */
  private record(message: Claimed, status: Handover): Promise<void> {
    const { id, attempts } = message;
    const isCurrent = status === 'failed' ? sql`attempts = ${attempts}` : sql`true`;
    return this.em.fork().transactional(async (em) => {
      await sql`
        update message set status = ${status}, due_at = null where id = ${id} and status = 'queued' and ${isCurrent}`.execute(
        em.getKysely(),
      );
      if (status === 'failed') return;
      await this.ledger.sent(message);
      if (status === 'delivered') await this.ledger.delivered(message.id);
    });
  }
}
