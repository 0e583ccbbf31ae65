import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Worker, WorkerContext, type ErrorClass } from '#libs/jobs';
import type { Db } from '#libs/lifecycle';
import { Carrier, retryWithCarrier } from '../carrier/carrier.js';
import { Recipients } from '../message/recipients.js';

const BATCH_SIZE = 10;
/** Longer than an attempt can take: the request for the contact, and the carrier's time-out. */
const LEASE_MS = 60_000;
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** Shorter than a day, the shortest quarantine of a number: the leaver's number is still the account's. */
const RETRY = { delaysMs: [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR], jitter: 0.1 };

interface Due {
  id: string;
  account_id: string;
  leaver_id: string;
  lifecycle_version: string;
  inbox_id: string;
  contact_id: string;
  text: string;
  attempts: number;
}

type Outcome = 'sent' | 'failed' | 'skipped' | 'cancelled';

/**
 * Tells contacts that somebody has left, at least once, with an id by which the carrier recognizes duplicates. Nothing is sent
 * once a later decision about the leaver has been applied here.
 */
@Injectable()
export class ContactNoticeSender extends Worker<Due> {
  constructor(
    private readonly em: EntityManager,
    private readonly recipients: Recipients,
    private readonly carrier: Carrier,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'contact-notices',
      wokenBy: ['contact_notice'],
      batchSize: BATCH_SIZE,
      leaseMs: LEASE_MS,
      retry: RETRY,
    });
  }

  protected override async claim(limit: number): Promise<Due[]> {
    await this.cancelOvertaken();
    const { rows } = await sql<Due>`
      with due as materialized (
        select id from contact_notice where status = 'pending' and ${this.isDue()}
        order by due_at, id limit ${limit} for update skip locked)
      update contact_notice c set attempts = c.attempts + 1, due_at = ${this.leaseUntil()} from due where c.id = due.id
      returning c.id, c.account_id, c.leaver_id, c.lifecycle_version, c.inbox_id, c.contact_id, c.text, c.attempts`.execute(
      this.db(),
    );
    return rows;
  }

  protected override async run(due: Due): Promise<void> {
    const { id, account_id: accountId, inbox_id: inboxId, contact_id: contactId, text } = due;
    const { contacts } = await this.recipients.page({ accountId, contactIds: [contactId], limit: 1 });
    const to = contacts[0]?.phone;
    if (!to) return this.conclude(due, 'skipped');
    if (!(await this.isCurrent(due))) return this.conclude(due, 'cancelled');
    const outcome = await this.carrier.hand({ id, inboxId, to, text });
    await this.conclude(due, outcome === 'failed' ? 'failed' : 'sent');
  }

  protected override async failed(due: Due, { kind }: ErrorClass, error: unknown): Promise<Date | undefined> {
    const { id, attempts } = due;
    const retryAt = kind === 'permanent' ? undefined : this.retryAt(attempts - 1);
    if (!retryAt) {
      await this.conclude(due, 'failed');
      return undefined;
    }
    const at = retryWithCarrier(retryAt, error, this.clock.now(), HOUR);
    await sql`
      update contact_notice set due_at = ${at} where id = ${id} and status = 'pending' and attempts = ${attempts}`.execute(
      this.db(),
    );
    return at;
  }

  protected override about({ id, attempts }: Due): object {
    return { contactNotice: id, attempts };
  }

  private async cancelOvertaken(): Promise<void> {
    await sql`
      update contact_notice c set status = 'cancelled', text = null, due_at = null from directory d
      where c.status = 'pending' and d.user_id = c.leaver_id and d.lifecycle_version <> c.lifecycle_version`.execute(
      this.db(),
    );
  }

  /** Whether the decision is still the latest one about the leaver. */
  private async isCurrent({ leaver_id: userId, lifecycle_version: version }: Due): Promise<boolean> {
    const { rows } = await sql`
      select from directory where user_id = ${userId} and lifecycle_version = ${version}`.execute(this.db());
    return rows.length > 0;
  }

  /** That a text was sent is true, even if it has been cancelled meanwhile. A late failure changes nothing. */
  private async conclude({ id, attempts }: Due, status: Outcome): Promise<void> {
    const from = status === 'sent' ? sql`status <> 'sent'` : sql`status = 'pending' and attempts = ${attempts}`;
    await sql`
      update contact_notice set status = ${status}, text = null, due_at = null where id = ${id} and ${from}`.execute(
      this.db(),
    );
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}
