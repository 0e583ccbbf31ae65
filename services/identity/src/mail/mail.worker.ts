import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { isAboutDeparture, mailsSend, type MailRequest } from '#libs/contracts';
import { failpoint, Worker, WorkerContext } from '#libs/jobs';
import { Metrics } from '#libs/observability';
import { sql } from 'kysely';
import { KeyEncryption } from '../signing-key/key-encryption.js';
import { MailBudgets } from './mail-budgets.js';

const BATCH_SIZE = 20;
/** Longer than a call may take. */
const LEASE_MS = 30_000;
/** A mail waits until the notifications service is back, or its token has expired. */
const RETRY = { delaysMs: [1_000, 5_000, 15_000, 60_000], retryLimit: Infinity };

interface WaitingMail {
  id: string;
  accountId: string;
  userId: string;
  sealed: string;
  attempts: number;
}

/** Hands the mails in the outbox to the notifications service at least once, within the budgets of their mailboxes. */
@Injectable()
export class MailWorker extends Worker<WaitingMail> {
  private readonly withheld: ReturnType<Metrics['counter']>;

  constructor(
    private readonly em: EntityManager,
    private readonly client: ServiceClient,
    private readonly encryption: KeyEncryption,
    private readonly budgets: MailBudgets,
    metrics: Metrics,
    context: WorkerContext,
  ) {
    super(context, { name: 'mail-outbox', batchSize: BATCH_SIZE, leaseMs: LEASE_MS, retry: RETRY });
    this.withheld = metrics.counter(
      'leaver_mails_withheld_total',
      'Mails that were not requested because their mailbox had received too many.',
    );
  }

  protected override async claim(limit: number): Promise<WaitingMail[]> {
    const { rows } = await sql<WaitingMail>`
      with due as materialized (
        select id from mail_outbox where ${this.isDue()} order by due_at, id limit ${limit} for update skip locked
      )
      update mail_outbox m set attempts = attempts + 1, due_at = ${this.leaseUntil()} from due where m.id = due.id
      returning m.id, m.account_id as "accountId", m.user_id as "userId", m.sealed, m.attempts`.execute(this.db);
    return rows;
  }

  protected override async run(mail: WaitingMail): Promise<void> {
    const request = JSON.parse(this.encryption.decrypt(mail.sealed, mail.id)) as MailRequest;
    const { accountId, userId } = mail;
    if (!this.hasExpired(request) && (await this.isWithinBudget(mail, request)))
      await failpoint('mail.request', () => this.client.ask(mailsSend, { ...request, accountId, userId }));
    await sql`delete from mail_outbox where id = ${mail.id}`.execute(this.db);
  }

  protected override async failed({ id, attempts }: WaitingMail): Promise<Date | undefined> {
    const retryAt = this.retryAt(attempts - 1);
    await sql`update mail_outbox set due_at = ${retryAt} where id = ${id} and attempts = ${attempts}`.execute(this.db);
    return retryAt;
  }

  protected override about({ id: mail, attempts }: WaitingMail): object {
    return { mail, attempts };
  }

  private hasExpired({ expiresAt }: MailRequest): boolean {
    return expiresAt !== undefined && new Date(expiresAt) <= this.clock.now();
  }

  /** Only the first attempt uses the budget: a service that is away must not use it up. */
  private async isWithinBudget({ id, attempts }: WaitingMail, { to, kind }: MailRequest): Promise<boolean> {
    if (attempts > 1 || (await this.budgets.take(to, isAboutDeparture(kind) ? 'departures' : 'access'))) return true;
    this.withheld.inc();
    this.log.warn({ mail: id, kind }, 'mail withheld: its mailbox has received too many');
    return false;
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}
