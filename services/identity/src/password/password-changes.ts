import { Injectable } from '@nestjs/common';
import type { Principal } from '#libs/contracts';
import { Audit } from '../audit/audit.js';
import { EmailChanges } from '../email-change/email-changes.js';
import { SecurityMails } from '../mail/security-mails.js';
import { Sessions } from '../session/sessions.js';
import { PasswordResets } from './password-resets.js';
import { StoredPasswords } from './stored-passwords.js';

interface PasswordChange {
  password: string;
  currentPassword?: string;
}

/** Changes the passwords of users who know their present one. */
@Injectable()
export class PasswordChanges {
  constructor(
    private readonly stored: StoredPasswords,
    private readonly sessions: Sessions,
    private readonly resets: PasswordResets,
    private readonly emailChanges: EmailChanges,
    private readonly mails: SecurityMails,
    private readonly audit: Audit,
  ) {}

  /** @throws Problem as `StoredPasswords.confirm` */
  confirm(principal: Principal, presentHash: string | null, currentPassword: string): Promise<void> {
    return this.stored.confirm(principal, presentHash, currentPassword);
  }

  /**
   * In the caller's transaction, which has locked the user. Their other sessions, reset tokens and a pending
   * change of the address end.
   * @param presentHash the hash of the present password; null for none
   * @throws Problem as `StoredPasswords.confirm`
   */
  async change(
    principal: Principal,
    presentHash: string | null,
    { password, currentPassword }: PasswordChange,
  ): Promise<void> {
    const { accountId, userId } = principal;
    await this.stored.confirm(principal, presentHash, currentPassword ?? '');
    await this.stored.replace(userId, password);
    await this.sessions.endOthers(userId, principal.sessionId);
    await this.resets.revoke([userId]);
    await this.emailChanges.revoke([userId]);
    await this.mails.passwordChanged(userId);
    await this.audit.append([{ accountId, action: 'password.changed', actorId: userId, subjectId: userId }]);
  }
}
