import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EmailChangeModule } from '../email-change/email-change.module.js';
import { MailModule } from '../mail/mail.module.js';
import { PasswordModule } from '../password/password.module.js';
import { SessionModule } from '../session/session.module.js';
import { UserModule } from '../user/user.module.js';
import { InvitationAcceptances } from './invitation-acceptances.js';
import { InvitationChanges } from './invitation-changes.js';
import { InvitationController } from './invitation.controller.js';
import { Invitations } from './invitations.js';
import { MailedLinks } from './mailed-links.js';
import { SentInvitations } from './sent-invitations.js';

/** Invitations, what managers do with them, and their acceptance. */
@Module({
  imports: [AuditModule, EmailChangeModule, MailModule, PasswordModule, SessionModule, UserModule],
  controllers: [InvitationController],
  providers: [InvitationAcceptances, InvitationChanges, Invitations, MailedLinks, SentInvitations],
  exports: [InvitationAcceptances, Invitations, MailedLinks],
})
export class InvitationModule {}
