import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { MailRequest, MailToSend } from '#libs/contracts';
import { Clock } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { sql, type RawBuilder } from 'kysely';
import { NotificationsConfig } from '../notifications.config.js';
import { MailEncryption } from './mail-encryption.js';
import { mailboxOf } from './mailbox.js';

/** How a mail can end. */
export type MailEnd = 'sent' | 'refused' | 'suppressed' | 'expired';

export interface ClaimedMail {
  id: string;
  accountId: string;
  request: MailRequest;
  attempts: number;
  /** Whether the account has found out that the mailbox does not exist. */
  suppressed: boolean;
}

type ClaimedRow = Omit<ClaimedMail, 'request'> & { sealed: string };

/** Longer than any token is valid, and than a mail is tried. */
const LIFETIME_MS = 8 * 86_400_000;
/** How long a suppression lasts: a mailbox may be created after the first mail to it. */
const SUPPRESSION_MS = 7 * 86_400_000;
/** How long a mail that has ended is recognised when it is requested again, and shown to managers. */
const RETENTION_MS = 30 * 86_400_000;
const SWEPT_ROWS = 1_000;

/** The rows of `mail` and `suppression`. */
@Injectable()
export class MailQueue {
  constructor(
    private readonly em: EntityManager,
    private readonly encryption: MailEncryption,
    private readonly config: NotificationsConfig,
    private readonly clock: Clock,
  ) {}

  /** In the caller's transaction. @returns false if there is a mail with this id already */
  async add({ accountId, userId, ...request }: MailToSend): Promise<boolean> {
    const { id, kind, to } = request;
    const { rows } = await sql`
      insert into mail (id, account_id, user_id, kind, mailbox, sealed, created_at)
      values (${id}, ${accountId}, ${userId}, ${kind}, ${this.mailboxOf(to)},
        ${this.encryption.encrypt(JSON.stringify(request), id)}, ${this.clock.now()})
      on conflict (id) do nothing returning id`.execute(this.em.getKysely());
    return rows.length > 0;
  }

  /** @param isDue SQL condition about a row of `mail` */
  async claim(limit: number, isDue: RawBuilder<unknown>, leaseUntil: Date): Promise<ClaimedMail[]> {
    const { rows } = await sql<ClaimedRow>`
      with due as materialized (
        select id from mail where status = 'waiting' and ${isDue} order by due_at, id limit ${limit} for update skip locked
      )
      update mail m set attempts = attempts + 1, due_at = ${leaseUntil} from due where m.id = due.id
      returning m.id, m.account_id as "accountId", m.sealed, m.attempts, exists (
        select from suppression s where s.account_id = m.account_id and s.mailbox = m.mailbox
          and s.until > ${this.clock.now()}) as suppressed`.execute(this.db());
    return rows.map(({ sealed, ...row }) => ({
      ...row,
      request: JSON.parse(this.encryption.decrypt(sealed, row.id)) as MailRequest,
    }));
  }

  /** Erases what the mail says. The row stays for a while. */
  async end({ id, attempts }: ClaimedMail, status: MailEnd, refusal?: string): Promise<void> {
    await sql`
      update mail set status = ${status}, sealed = null, refusal = ${refusal ?? null}, ended_at = ${this.clock.now()}
      where id = ${id} and status = 'waiting' and attempts = ${attempts}`.execute(this.db());
  }

  async reschedule({ id, attempts }: ClaimedMail, dueAt: Date): Promise<void> {
    await sql`
      update mail set due_at = ${dueAt} where id = ${id} and status = 'waiting' and attempts = ${attempts}`.execute(
      this.db(),
    );
  }

  /** The account sends nothing to the mailbox for a while. */
  async suppress({ accountId, request: { to } }: ClaimedMail): Promise<void> {
    const until = new Date(this.clock.millis() + SUPPRESSION_MS);
    await sql`
      insert into suppression (account_id, mailbox, until) values (${accountId}, ${this.mailboxOf(to)}, ${until})
      on conflict (account_id, mailbox) do update set until = excluded.until`.execute(this.db());
  }

  /**
   * Ends what nobody has sent in time, and deletes what has ended long ago, and what a restored backup holds about deleted
   * users. @returns whether there may be more
   */
  async sweep(): Promise<boolean> {
    const now = this.clock.now();
    await sql`
      delete from mail m using directory d where d.user_id = m.user_id and d.status = 'deleted'`.execute(this.db());
    await sql`
      update mail set status = 'expired', sealed = null, ended_at = ${now}
      where status = 'waiting' and created_at < ${new Date(now.getTime() - LIFETIME_MS)}`.execute(this.db());
    const { rows } = await sql`
      delete from mail where id in (
        select id from mail where ended_at < ${new Date(now.getTime() - RETENTION_MS)} limit ${SWEPT_ROWS} for update skip locked)
      returning id`.execute(this.db());
    await sql`delete from suppression where until < ${now}`.execute(this.db());
    return rows.length === SWEPT_ROWS;
  }

  private mailboxOf(address: string): Buffer {
    return mailboxOf(this.config.notificationsSecret, address);
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}
