import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { MailRequest } from '#libs/contracts';
import { AfterCommit, Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { KeyEncryption } from '../signing-key/key-encryption.js';
import { MailWorker } from './mail.worker.js';

/** A mail to a user, at the present address or another one. */
export type NewMail = Omit<MailRequest, 'id'> & { userId: string };

/** Writes mails into the outbox, in the transaction of the change that they report. They are handed on after the commit. */
@Injectable()
export class Mail {
  constructor(
    private readonly em: EntityManager,
    private readonly encryption: KeyEncryption,
    private readonly worker: MailWorker,
    private readonly afterCommit: AfterCommit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Takes the same statement for any number of mails, so that its duration does not tell whether an address is known. */
  async send(mails: readonly NewMail[]): Promise<void> {
    const rows = mails.map(({ userId, ...request }) => {
      const id = this.ids.next();
      return { id, userId, hasToken: request.token !== undefined, sealed: this.seal({ id, ...request }) };
    });
    await sql`
      insert into mail_outbox (id, account_id, user_id, has_token, sealed, created_at)
      select m.id, u.account_id, u.id, m.has_token, m.sealed, ${this.clock.now()}
      from unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map(({ userId }) => userId)}::uuid[],
        ${rows.map(({ hasToken }) => hasToken)}::boolean[], ${rows.map(({ sealed }) => sealed)}::text[])
        as m (id, user_id, has_token, sealed)
      join users u on u.id = m.user_id`.execute(this.em.getKysely());
    if (rows.length > 0) this.afterCommit.run(async () => this.worker.wake());
  }

  /** Removes waiting mails with tokens that have ended. Notices are still sent. */
  async withdraw(userIds: readonly string[]): Promise<void> {
    await sql`delete from mail_outbox where user_id = any(${[...userIds]}::uuid[]) and has_token`.execute(
      this.em.getKysely(),
    );
  }

  /** Removes all waiting mails of deleted users, which hold their addresses, and what they have turned off. */
  async erase(userIds: readonly string[]): Promise<void> {
    await sql`
      update users set muted_mails = '{}' where id = any(${[...userIds]}::uuid[]) and muted_mails <> '{}'`.execute(
      this.em.getKysely(),
    );
    await sql`delete from mail_outbox where user_id = any(${[...userIds]}::uuid[])`.execute(this.em.getKysely());
  }

  private seal(request: MailRequest): string {
    return this.encryption.encrypt(JSON.stringify(request), request.id);
  }
}
