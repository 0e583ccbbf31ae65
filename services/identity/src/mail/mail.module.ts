import { Module } from '@nestjs/common';
import { SigningKeyModule } from '../signing-key/signing-key.module.js';
import { MailBudgets } from './mail-budgets.js';
import { Mail } from './mail.js';
import { MailWorker } from './mail.worker.js';
import { NotificationPreferencesController } from './notification-preferences.controller.js';
import { NotificationPreferences } from './notification-preferences.js';
import { SecurityMails } from './security-mails.js';

/** Mails to users, until the notifications service has them. */
@Module({
  imports: [SigningKeyModule],
  controllers: [NotificationPreferencesController],
  providers: [Mail, MailBudgets, MailWorker, NotificationPreferences, SecurityMails],
  exports: [Mail, SecurityMails],
})
export class MailModule {}
