import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { sha256 } from '../common/secrets.js';

const LIFETIME_MS = 5 * 60_000;
const MAX_TRIES = 5;

/** A user whose password was right. */
export interface Challenged {
  id: string;
  userId: string;
  accountId: string;
  /** The hash that the password matched. */
  passwordHash: string;
}

/** Sign-ins that wait for the second factor. A challenge belongs to one user, and ends with a change of the password. */
@Injectable()
export class SignInChallenges {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async open(userId: string, passwordHash: string): Promise<string> {
    const challenge = this.ids.secret();
    const expiresAt = new Date(this.clock.millis() + LIFETIME_MS);
    await sql`
      with expired as (delete from sign_in_challenge where user_id = ${userId} and expires_at <= ${this.clock.now()})
      insert into sign_in_challenge (id, user_id, digest, password_digest, expires_at)
      values (${this.ids.next()}, ${userId}, ${sha256(challenge)}, ${sha256(passwordHash)}, ${expiresAt})`.execute(
      this.db,
    );
    return challenge;
  }

  /**
   * Counts a try. Commit it before the second factor is checked.
   * @throws Problem `unauthenticated` if the challenge is unknown, used, expired or tried too often
   */
  async take(challenge: string): Promise<Challenged> {
    const { rows } = await sql<Challenged>`
      update sign_in_challenge c set tries = tries + 1 from users u
      where c.digest = ${sha256(challenge)} and c.tries < ${MAX_TRIES} and c.expires_at > ${this.clock.now()}
        and u.id = c.user_id and sha256(convert_to(u.password_hash, 'UTF8')) = c.password_digest
      returning c.id, u.id as "userId", u.account_id as "accountId", u.password_hash as "passwordHash"`.execute(
      this.db,
    );
    if (!rows[0]) throw over();
    return rows[0];
  }

  /** In the transaction that opens the session. @throws Problem `unauthenticated` if another request was faster */
  async use({ id }: Challenged): Promise<void> {
    const { rows } = await sql`delete from sign_in_challenge where id = ${id} returning id`.execute(this.db);
    if (rows.length === 0) throw over();
  }

  private get db() {
    return this.em.getKysely();
  }
}

const over = () => new Problem('unauthenticated', { detail: 'This sign-in is over. Begin again with your password.' });
