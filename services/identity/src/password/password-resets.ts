import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type PasswordResetRequest } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { sha256 } from '../common/secrets.js';
import { Mail } from '../mail/mail.js';
import { mustUseSso } from '../sso/must-use-sso.js';

const LIFETIME_MS = 3_600_000;
/** The most users to whom one request sends a token. */
const MOST_USERS = 5;

/** Tokens that are mailed to users so that they can set a new password. */
@Injectable()
export class PasswordResets {
  constructor(
    private readonly em: EntityManager,
    private readonly mail: Mail,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Sends a token to each active user with this email whose password counts. The answer does not reveal whether there is one. Of many, the first
   * get one, in the order of a sign-in. The lock makes a concurrent change of the address wait, which then ends the token, or
   * makes this wait for the new address.
   */
  async request({ email, accountId }: PasswordResetRequest): Promise<void> {
    const { rows } = await sql<{ id: string; email: string }>`
      select id, email from users u where fold_case(email) = fold_case(${email}) and status = 'active' and suspended_at is null
        and not ${mustUseSso} and (${accountId ?? null}::uuid is null or account_id = ${accountId ?? null}::uuid)
      order by email_verified_at is null, created_at, id limit ${MOST_USERS} for share of u`.execute(
      this.em.getKysely(),
    );
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
    const expiresAt = expires.toISOString();
    await this.mail.send(
      resets.map(({ user, token }) => ({ userId: user.id, kind: 'password-reset', to: user.email, token, expiresAt })),
    );
  }

  /** Invalidates all reset tokens of these users, in the transaction that has locked them. */
  async revoke(userIds: readonly string[]): Promise<void> {
    await sql`delete from password_reset where user_id = any(${[...userIds]}::uuid[])`.execute(this.em.getKysely());
  }
}
