import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { safeErrorFields } from '#libs/observability';
import { Ids } from '#libs/database';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { Ledger, type SentMessage } from '../activity/ledger.js';
import { Carrier, type Handover } from './carrier.js';

const AT_ONCE = 20;
/** Another replica takes over what one died with. Longer than an attempt may take. */
const LEASE = 60_000;
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** How long to wait after each attempt that failed. After the last one the message has failed. */
const RETRY_AFTER = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR];

interface Claimed extends SentMessage {
  to_phone: string | null;
  text: string;
  attempts: number;
}

/**
 * Hands queued messages to the carrier: at least once, with an id by which the carrier knows them again. No transaction is
 * open while it waits for an answer.
 */
@Injectable()
export class CarrierWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly carrier: Carrier,
    private readonly ledger: Ledger,
    private readonly ids: Ids,
    context: WorkerContext,
  ) {
    super(context, { name: 'carrier' });
  }

  protected async step(): Promise<boolean> {
    const claimed = await this.claim();
    await Promise.all(claimed.map((message) => this.attempt(message)));
    return claimed.length > 0;
  }

  private async claim(): Promise<Claimed[]> {
    const now = this.clock.now();
    const { rows } = await sql<Claimed>`
      with due as (
        select id from message where status = 'queued' and due_at <= ${now} order by due_at limit ${AT_ONCE} for update skip locked)
      update message m set attempts = m.attempts + 1, due_at = ${new Date(now.getTime() + LEASE)} from due where m.id = due.id
      returning m.id, m.account_id, m.inbox_id, m.contact_id, m.sent_by, m.team_ids, m.to_phone, m.text, m.attempts`.execute(
      this.em.fork().getKysely(),
    );
    return rows;
  }

  private async attempt(message: Claimed): Promise<void> {
    const { id, inbox_id: inboxId, to_phone: to, text, attempts } = message;
    // A contact without a number cannot be reached, today or tomorrow.
    if (!to) return this.settle(message, 'failed');
    try {
      await this.settle(message, await this.carrier.hand({ id, inboxId, to, text }));
    } catch (error) {
      this.log.warn({ message: id, attempts, ...safeErrorFields(error) }, 'a message was not handed to the carrier');
      await this.putOff(message);
    }
  }

  private settle(message: Claimed, status: Handover): Promise<void> {
    return this.em.fork().transactional(async (em) => {
      await sql`update message set status = ${status}, due_at = null where id = ${message.id} and status = 'queued'`.execute(
        em.getKysely(),
      );
      if (status === 'failed') return;
      await this.ledger.sent(message);
      if (status === 'delivered') await this.ledger.delivered(message.id);
    });
  }

  private async putOff(message: Claimed): Promise<void> {
    const pause = RETRY_AFTER[message.attempts - 1];
    if (pause === undefined) return this.settle(message, 'failed');
    const dueAt = new Date(this.clock.millis() + pause * (1 + this.ids.fraction() / 10));
    await sql`
      update message set due_at = ${dueAt} where id = ${message.id} and status = 'queued' and attempts = ${message.attempts}`.execute(
      this.em.fork().getKysely(),
    );
  }
}
