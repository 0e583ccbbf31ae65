import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EmailChangeModule } from '../email-change/email-change.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionModule } from '../session/session.module.js';
import { SignInMethodModule } from '../sign-in-method/sign-in-method.module.js';
import { PasswordChanges } from './password-changes.js';
import { PasswordResetConfirmations } from './password-reset-confirmations.js';
import { PasswordResetController } from './password-reset.controller.js';
import { PasswordResets } from './password-resets.js';
import { Passwords } from './passwords.js';
import { StoredPasswords } from './stored-passwords.js';

/** Passwords, their change and their reset. */
@Module({
  imports: [AuditModule, EmailChangeModule, MailModule, SessionModule, SignInMethodModule],
  controllers: [PasswordResetController],
  providers: [PasswordChanges, PasswordResetConfirmations, PasswordResets, Passwords, StoredPasswords],
  exports: [PasswordChanges, PasswordResets, Passwords],
})
export class PasswordModule {}
