import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ServiceClient } from '#libs/broker';
import { autoReplyFor, numberIsOwn } from '#libs/contracts';
import { Worker, WorkerContext, type ErrorClass } from '#libs/jobs';
import type { Db } from '#libs/lifecycle';
import { Carrier, retryWithCarrier } from '../carrier/carrier.js';
import { Recipients } from '../message/recipients.js';

const BATCH_SIZE = 10;
/** Longer than an attempt can take: three requests, and the carrier's time-out. */
const LEASE_MS = 60_000;
const [SECOND, MINUTE, DAY] = [1_000, 60_000, 86_400_000];
/** An answer that comes later surprises more than it helps. */
const RETRY = { delaysMs: [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE], jitter: 0.1 };
/** E.164 without the plus. Shorter numbers are short codes, which machines send from. */
const FEWEST_DIGITS = 8;

interface Due {
  id: string;
  account_id: string;
  leaver_id: string;
  contact_id: string;
  inbox_id: string;
  from_number: string | null;
  attempts: number;
}

/**
 * Sends automatic answers, at least once, with an id by which the carrier recognizes duplicates. Identity says at each attempt
 * whether and what to answer, so a changed policy and a reactivation take effect at once.
 */
@Injectable()
export class AutoReplySender extends Worker<Due> {
  constructor(
    private readonly em: EntityManager,
    private readonly services: ServiceClient,
    private readonly recipients: Recipients,
    private readonly carrier: Carrier,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'auto-replies',
      wokenBy: ['auto_reply'],
      batchSize: BATCH_SIZE,
      leaseMs: LEASE_MS,
      retry: RETRY,
    });
  }

  protected override async claim(limit: number): Promise<Due[]> {
    await sql`delete from auto_reply where expires_at <= ${this.clock.now()}`.execute(this.db());
    const { rows } = await sql<Due>`
      with due as materialized (
        select id from auto_reply where ${this.isDue()} order by due_at, id limit ${limit} for update skip locked)
      update auto_reply r set attempts = r.attempts + 1, due_at = ${this.leaseUntil()} from due where r.id = due.id
      returning r.id, r.account_id, r.leaver_id, r.contact_id, r.inbox_id, r.from_number, r.attempts`.execute(
      this.db(),
    );
    return rows;
  }

  protected override async run(due: Due): Promise<void> {
    const { id, account_id: accountId, leaver_id: userId, inbox_id: inboxId, from_number: from } = due;
    const { reply } = await this.services.ask(autoReplyFor, { accountId, userId });
    if (!reply) return this.drop(due);
    const to = await this.phoneOf(due);
    if (to) await this.carrier.hand({ id, inboxId, ...(from && { from }), to, text: reply.text });
    await this.finish(due, new Date(reply.until));
  }

  protected override async failed(due: Due, { kind }: ErrorClass, error: unknown): Promise<Date | undefined> {
    const retryAt = kind === 'permanent' ? undefined : this.retryAt(due.attempts - 1);
    if (!retryAt) {
      await this.finish(due, new Date(this.clock.millis() + DAY));
      return undefined;
    }
    const at = retryWithCarrier(retryAt, error, this.clock.now(), 10 * MINUTE);
    await sql`
      update auto_reply set due_at = ${at} where id = ${due.id} and attempts = ${due.attempts} and due_at is not null`.execute(
      this.db(),
    );
    return at;
  }

  protected override about({ id, attempts }: Due): object {
    return { autoReply: id, attempts };
  }

  /** Undefined for contacts who get no answer: without a phone, with a short code, or with a number of the account, which might answer back. */
  private async phoneOf({ account_id: accountId, contact_id: contactId }: Due): Promise<string | undefined> {
    const { contacts } = await this.recipients.page({ accountId, contactIds: [contactId], limit: 1 });
    const phone = contacts[0]?.phone;
    if (!phone || phone.length <= FEWEST_DIGITS) return undefined;
    const { own } = await this.services.ask(numberIsOwn, { accountId, e164: phone });
    return own ? undefined : phone;
  }

  /** The contact is answered at the next text, if there is an automatic answer by then. */
  private async drop({ id }: Due): Promise<void> {
    await sql`delete from auto_reply where id = ${id}`.execute(this.db());
  }

  /** The contact gets no other answer before `expiresAt`. */
  private async finish({ id }: Due, expiresAt: Date): Promise<void> {
    await sql`
      update auto_reply set due_at = null, from_number = null, expires_at = ${expiresAt} where id = ${id}`.execute(
      this.db(),
    );
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}
