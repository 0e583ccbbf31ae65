import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type PasswordResetRequest } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { Passwords } from './passwords.js';
import { sha256 } from '../common/secrets.js';
import { Mail } from '../mail/mail.js';
import { Sessions } from '../session/sessions.js';

const LIFETIME_MS = 3_600_000;
/** The most users to whom one request sends a token. */
const MOST_USERS = 5;

/** Lets users set a new password with a token from an email. */
@Injectable()
export class PasswordResets {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly audit: Audit,
    private readonly mail: Mail,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Sends a token to each active user with this email. The answer does not reveal whether there is one. Of many, the first
   * get one, in the order of a sign-in. The lock makes a concurrent change of the address wait, which then ends the token, or
   * makes this wait for the new address.
   */
  async request({ email, accountId }: PasswordResetRequest): Promise<void> {
    const { rows } = await sql<{ id: string; email: string }>`
      select id, email from users where fold_case(email) = fold_case(${email}) and status = 'active'
        and (${accountId ?? null}::uuid is null or account_id = ${accountId ?? null}::uuid)
      order by email_verified_at is null, created_at, id limit ${MOST_USERS} for share`.execute(this.em.getKysely());
    await this.send(rows);
  }

  /** Sends each of these active users a token for setting a password. Uses the caller's transaction. */
  async send(users: readonly { id: string; email: string }[]): Promise<void> {
    const db = this.em.getKysely();
    const resets = users.map((user) => ({ id: this.ids.next(), user, token: this.ids.secret(32) }));
    const expires = new Date(this.clock.millis() + LIFETIME_MS);
    await sql`
      insert into password_reset (id, user_id, hash, created_at, expires_at)
      select *, ${this.clock.now()}::timestamptz, ${expires}::timestamptz from unnest(${resets.map((r) => r.id)}::uuid[],
        ${resets.map((r) => r.user.id)}::uuid[], ${resets.map((r) => sha256(r.token))}::bytea[])`.execute(db);
    for (const { user, token } of resets) {
      this.mail.send({ kind: 'password-reset', to: user.email, token, expiresAt: expires.toISOString() });
    }
  }

  /**
   * Hashes the password outside of the transaction, and only for a valid token.
   * @throws Problem `gone` as `confirm` does; `service-unavailable` if too many passwords are being hashed
   */
  async prepare(token: string, password: string): Promise<string> {
    await this.owner(token);
    return this.passwords.hash(password);
  }

  /**
   * Sets the password, ends all sessions and invalidates all reset tokens of the user. Only the mail has the token, so its
   * user has proved their address.
   * @throws Problem `gone` if the token is used, expired or unknown
   */
  async confirm(token: string, passwordHash: string): Promise<void> {
    const { id: userId, account_id: accountId } = await this.owner(token);
    await this.sessions.endAll([userId]);
    const db = this.em.getKysely();
    // Concurrent calls with a token of this user wait for the lock that `endAll` takes, and then find no token here.
    const { rows } = await sql<{
      hash: Buffer;
    }>`delete from password_reset where user_id = ${userId} returning hash`.execute(db);
    const unused = rows.some((row) => row.hash.equals(sha256(token)));
    const { rows: changed } = await sql`
      update users set password_hash = ${passwordHash}, email_verified_at = coalesce(email_verified_at, ${this.clock.now()})
      where id = ${userId} and status = 'active' returning id`.execute(db);
    if (!unused || changed.length === 0) throw gone();
    await this.audit.append([{ accountId, action: 'password.reset', actorId: userId, subjectId: userId }]);
  }

  /** Invalidates all reset tokens of these users, in the transaction that has locked them. */
  async revoke(userIds: readonly string[]): Promise<void> {
    await sql`delete from password_reset where user_id = any(${[...userIds]}::uuid[])`.execute(this.em.getKysely());
  }

  private async owner(token: string): Promise<{ id: string; account_id: string }> {
    const { rows } = await sql<{ id: string; account_id: string }>`
      select u.id, u.account_id from password_reset r join users u on u.id = r.user_id
      where r.hash = ${sha256(token)} and r.expires_at > ${this.clock.now()} and u.status = 'active'`.execute(
      this.em.getKysely(),
    );
    if (!rows[0]) throw gone();
    return rows[0];
  }
}

const gone = () => new Problem('gone', { detail: 'This password reset is no longer valid. Request a new one.' });
