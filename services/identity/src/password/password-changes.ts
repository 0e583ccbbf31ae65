import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal } from '#libs/contracts';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { EmailChanges } from '../email-change/email-changes.js';
import { SecurityMails } from '../mail/security-mails.js';
import { Sessions } from '../session/sessions.js';
import { PasswordResets } from './password-resets.js';
import { mustUseSso } from '../sso/must-use-sso.js';
import { Passwords } from './passwords.js';

interface PasswordChange {
  password: string;
  currentPassword?: string;
}

/** Changes the passwords of users who know their present one. */
@Injectable()
export class PasswordChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly resets: PasswordResets,
    private readonly emailChanges: EmailChanges,
    private readonly mails: SecurityMails,
    private readonly audit: Audit,
  ) {}

  /**
   * @throws Problem `validation` when it is not the present password; `sso-required` if a password counts for nothing in the
   *   account
   */
  async confirm({ userId }: Principal, presentHash: string | null, currentPassword: string): Promise<void> {
    if (await this.passwords.matches(currentPassword, presentHash)) return this.requireCounting(userId);
    const errors = [{ field: 'currentPassword', message: 'currentPassword must be your password' }];
    throw new Problem('validation', { errors });
  }

  /**
   * In the caller's transaction, which has locked the user. Their other sessions, reset tokens and a pending
   * change of the address end.
   * @param presentHash the hash of the present password; null for none
   * @throws Problem as `confirm` does
   */
  async change(
    principal: Principal,
    presentHash: string | null,
    { password, currentPassword }: PasswordChange,
  ): Promise<void> {
    const { accountId, userId } = principal;
    await this.confirm(principal, presentHash, currentPassword ?? '');
    const passwordHash = await this.passwords.hash(password);
    await this.sessions.endOthers(userId, principal.sessionId);
    await sql`update users set password_hash = ${passwordHash} where id = ${userId}`.execute(this.em.getKysely());
    await this.resets.revoke([userId]);
    await this.emailChanges.revoke([userId]);
    await this.mails.passwordChanged(userId);
    await this.audit.append([{ accountId, action: 'password.changed', actorId: userId, subjectId: userId }]);
  }

  private async requireCounting(userId: string): Promise<void> {
    const { rows } = await sql`select id from users u where id = ${userId} and ${mustUseSso}`.execute(
      this.em.getKysely(),
    );
    if (rows.length > 0) throw new Problem('sso-required');
  }
}
