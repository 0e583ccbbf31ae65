import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Worker, WorkerContext, type ErrorClass } from '#libs/jobs';
import { Ledger, type SentMessage } from '../activity/ledger.js';
import { Carrier, type Handover } from './carrier.js';

const CONCURRENCY = 20;
/** Smaller than the concurrency, so that slow messages do not hold up the others. */
const BATCH_SIZE = 10;
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
  constructor(
    private readonly em: EntityManager,
    private readonly carrier: Carrier,
    private readonly ledger: Ledger,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'carrier',
      batchSize: BATCH_SIZE,
      concurrency: CONCURRENCY,
      leaseMs: LEASE_MS,
      retry: RETRY,
    });
  }

  protected override async claim(limit: number): Promise<Claimed[]> {
    const { rows } = await sql<Claimed>`
      with due as (
        select id from message where status = 'queued' and ${this.isDue()} order by due_at limit ${limit} for update skip locked)
      update message m set attempts = m.attempts + 1, due_at = ${this.leaseUntil()} from due where m.id = due.id
      returning m.id, m.account_id, m.inbox_id, m.contact_id, m.sent_by, m.team_ids, m.to_phone, m.text, m.attempts`.execute(
      this.em.fork().getKysely(),
    );
    return rows;
  }

  protected override async run(message: Claimed): Promise<void> {
    const { id, inbox_id: inboxId, to_phone: to, text } = message;
    // A contact without a number cannot be reached.
    await this.record(message, to ? await this.carrier.hand({ id, inboxId, to, text }) : 'failed');
  }

  protected override async failed(message: Claimed, { kind }: ErrorClass): Promise<Date | undefined> {
    const { id, attempts } = message;
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

  private record(message: Claimed, status: Handover): Promise<void> {
    return this.em.fork().transactional(async (em) => {
      await sql`update message set status = ${status}, due_at = null where id = ${message.id} and status = 'queued'`.execute(
        em.getKysely(),
      );
      if (status === 'failed') return;
      await this.ledger.sent(message);
      if (status === 'delivered') await this.ledger.delivered(message.id);
    });
  }
}
