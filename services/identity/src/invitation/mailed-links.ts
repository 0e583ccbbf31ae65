import { Injectable } from '@nestjs/common';
import { EmailChanges } from '../email-change/email-changes.js';
import { Mail } from '../mail/mail.js';
import { PasswordResets } from '../password/password-resets.js';
import { Invitations } from './invitations.js';

/** Ends what was sent to users by mail and lets its reader in. */
@Injectable()
export class MailedLinks {
  constructor(
    private readonly invitations: Invitations,
    private readonly resets: PasswordResets,
    private readonly emailChanges: EmailChanges,
    private readonly mail: Mail,
  ) {}

  /** Call it when the address or the status of these users changes, in the transaction that has locked them. */
  async end(userIds: readonly string[]): Promise<void> {
    await this.endRequested(userIds);
    await this.invitations.revokeSentTo(userIds);
    await this.mail.withdraw(userIds);
  }

  /** Ends what the users themselves have asked for: reset tokens and a pending change of the address. */
  async endRequested(userIds: readonly string[]): Promise<void> {
    await this.resets.revoke(userIds);
    await this.emailChanges.revoke(userIds);
  }
}
