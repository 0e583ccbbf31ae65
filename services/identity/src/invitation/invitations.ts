import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Invitation } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { requireFreeSeats } from '../common/seats.js';
import { sha256 } from '../common/secrets.js';
import { IdentityConfig } from '../identity.config.js';
import { Mail } from '../mail/mail.js';

const LIFETIME_MS = 7 * 86_400_000;

/** Sends and revokes invitations, with which users set their first password. */
@Injectable()
export class Invitations {
  constructor(
    private readonly em: EntityManager,
    private readonly mail: Mail,
    private readonly config: IdentityConfig,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Creates an invitation in the transaction that creates the user. The caller has locked the inviter against leaving. Only
   * the mail has a token. In development the answer has one, too, which is another one: only the reader of the mail has proved
   * that the address is theirs.
   * @param invitedBy undefined if an identity provider invites
   */
  async create(userId: string, email: string, invitedBy?: string): Promise<Invitation> {
    const mailed = this.ids.secret(32);
    const token = this.config.invitationTokens === 'answer' ? this.ids.secret(32) : undefined;
    const expires = new Date(this.clock.millis() + LIFETIME_MS);
    await sql`
      insert into invitation (id, user_id, invited_by, hash, mailed_hash, created_at, expires_at)
      values (${this.ids.next()}, ${userId}, ${invitedBy ?? null}, ${sha256(token ?? mailed)}, ${sha256(mailed)}, ${this.clock.now()},
        ${expires})`.execute(this.em.getKysely());
    const expiresAt = expires.toISOString();
    await this.mail.send([
      { userId, kind: 'invitation', to: email, token: mailed, expiresAt, ...(invitedBy && { invitedById: invitedBy }) },
    ]);
    return { ...(token && { token }), expiresAt };
  }

  /**
   * Revokes the invitations to these users for good, in the caller's transaction: those that a departure of their sender has
   * revoked expire as well, so that a return of the sender does not restore them.
   */
  async revokeSentTo(userIds: readonly string[]): Promise<void> {
    const now = this.clock.now();
    await sql`
      update invitation set revoked = true, revoked_at = coalesce(revoked_at, ${now}), expires_at = least(expires_at, ${now})
      where user_id = any(${[...userIds]}::uuid[]) and accepted_at is null`.execute(this.em.getKysely());
  }

  /**
   * Like `renew`, for a user whose seat may have been freed by a revocation. The caller has locked the account.
   * @throws Problem `no-free-seat`
   */
  async inviteAgain(accountId: string, userId: string, email: string, invitedBy?: string): Promise<Invitation> {
    const db = this.em.getKysely();
    const { rows: seatless } = await sql`select id from users where id = ${userId} and not seat_taken`.execute(db);
    if (seatless.length > 0) {
      await requireFreeSeats(this.em, accountId);
      await sql`update users set seat_taken = true where id = ${userId}`.execute(db);
    }
    return this.renew(userId, email, invitedBy);
  }

  /**
   * Invites a user again who has been away, as `create` does. It becomes their only open invitation: other people may know
   * the former ones, or their sender has left.
   */
  async renew(userId: string, email: string, invitedBy?: string): Promise<Invitation> {
    await this.revokeSentTo([userId]);
    return this.create(userId, email, invitedBy);
  }
}
