import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { sha256 } from '../common/secrets.js';
import { EmailChanges } from '../email-change/email-changes.js';
import { SecurityMails } from '../mail/security-mails.js';
import { Sessions } from '../session/sessions.js';
import { mustUseSso } from '../sso/must-use-sso.js';
import { Passwords } from './passwords.js';

/** Lets users set a new password with a token from an email. */
@Injectable()
export class PasswordResetConfirmations {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly emailChanges: EmailChanges,
    private readonly mails: SecurityMails,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /**
   * Hashes the password outside of the transaction, and only for a valid token.
   * @throws Problem `gone` as `confirm` does; `service-unavailable` if too many passwords are being hashed
   */
  async prepare(token: string, password: string): Promise<string> {
    await this.owner(token);
    return this.passwords.hash(password);
  }

  /**
   * Sets the password, ends all sessions, and invalidates all reset tokens and a pending change of the address: a thief who knew
   * the former password may have asked for it. Only the mail has the token, so its user has proved their address.
   * @throws Problem `gone` if the token is used, expired or unknown; `sso-required` if a password counts for nothing in the account
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
      where id = ${userId} and status = 'active' and suspended_at is null returning id`.execute(db);
    if (!unused || changed.length === 0) throw gone();
    await this.emailChanges.revoke([userId]);
    await this.mails.passwordChanged(userId);
    await this.audit.append([{ accountId, action: 'password.reset', actorId: userId, subjectId: userId }]);
  }

  private async owner(token: string): Promise<{ id: string; account_id: string }> {
    const { rows } = await sql<{ id: string; account_id: string; must_use_sso: boolean }>`
      select u.id, u.account_id, ${mustUseSso} as must_use_sso from password_reset r join users u on u.id = r.user_id
      where r.hash = ${sha256(token)} and r.expires_at > ${this.clock.now()} and u.status = 'active'
        and u.suspended_at is null`.execute(this.em.getKysely());
    if (!rows[0]) throw gone();
    if (rows[0].must_use_sso) throw new Problem('sso-required');
    return rows[0];
  }
}

const gone = () => new Problem('gone', { detail: 'This password reset is no longer valid. Request a new one.' });
