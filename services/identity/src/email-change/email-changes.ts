import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { sha256 } from '../common/secrets.js';
import { Mail, type NewMail } from '../mail/mail.js';

const LIFETIME_MS = 86_400_000;

export interface ConfirmedAddress {
  accountId: string;
  userId: string;
  email: string;
  /** When the user has confirmed it. */
  at: Date;
}

/** New addresses that users have asked for, until they confirm them from the new mailbox. */
@Injectable()
export class EmailChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly mail: Mail,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Mails a token to the new address, which replaces an earlier one, and tells the present address. */
  async request(userId: string, present: string | null, email: string): Promise<void> {
    const token = this.ids.secret(32);
    const expires = new Date(this.clock.millis() + LIFETIME_MS);
    await sql`
      insert into email_change (user_id, email, hash, expires_at)
      values (${userId}, ${email}, ${sha256(token)}, ${expires})
      on conflict (user_id) do update set email = excluded.email, hash = excluded.hash, expires_at = excluded.expires_at`.execute(
      this.db,
    );
    await this.mail.send([
      { userId, kind: 'email-confirmation', to: email, token, expiresAt: expires.toISOString() },
      ...(present === null ? [] : [this.notice('email-change-requested', userId, present)]),
    ]);
  }

  /** Tells the former address that another one is used now, and the present one that it is. */
  async notifyChanged(userId: string, former: string, present?: string | null): Promise<void> {
    await this.mail.send([
      this.notice('email-changed', userId, former),
      ...(present ? [this.notice('email-now-used', userId, present)] : []),
    ]);
  }

  /** @throws Problem `gone` if the token is used, replaced, expired or unknown, or its user is not active or suspended */
  async userOf(token: string): Promise<string> {
    const { rows } = await sql<{ user_id: string }>`
      select c.user_id from email_change c join users u on u.id = c.user_id
      where c.hash = ${sha256(token)} and c.expires_at > ${this.clock.now()} and u.status = 'active'
        and u.suspended_at is null`.execute(this.db);
    if (!rows[0]) throw gone();
    return rows[0].user_id;
  }

  /**
   * Takes the change of a user whom the caller has locked.
   * @throws Problem as `userOf`
   */
  async take(token: string): Promise<ConfirmedAddress> {
    const { rows } = await sql<{ user_id: string; account_id: string; email: string }>`
      delete from email_change c using users u
      where c.hash = ${sha256(token)} and u.id = c.user_id and u.status = 'active' and u.suspended_at is null
      returning c.user_id, u.account_id, c.email`.execute(this.db);
    const [row] = rows;
    if (!row) throw gone();
    return { accountId: row.account_id, userId: row.user_id, email: row.email, at: this.clock.now() };
  }

  /** Ends what these users have asked for, in the transaction that has locked them. */
  async revoke(userIds: readonly string[]): Promise<void> {
    await sql`delete from email_change where user_id = any(${[...userIds]}::uuid[])`.execute(this.db);
  }

  private notice(
    kind: 'email-change-requested' | 'email-changed' | 'email-now-used',
    userId: string,
    to: string,
  ): NewMail {
    return { userId, kind, to, at: this.clock.now().toISOString() };
  }

  private get db() {
    return this.em.getKysely();
  }
}

const gone = () => new Problem('gone', { detail: 'This confirmation is no longer valid. Ask for the address again.' });
