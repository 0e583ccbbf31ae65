import { Module } from '@nestjs/common';
import type { AnyEntity, Migrations } from '#libs/database';
import { LifecycleModule, serviceTables } from '#libs/lifecycle';
import { keyRotation, platformMigrations } from '#libs/platform';
import { notificationsRules } from './departures/notifications.rules.js';
import { ForgottenMails } from './mail/forgotten-mails.js';
import { MailController } from './mail/mail.controller.js';
import { MailEncryption } from './mail/mail-encryption.js';
import { MailQueue } from './mail/mail-queue.js';
import { MailSweep } from './mail/mail-sweep.worker.js';
import { MailWorker } from './mail/mail.worker.js';
import { Smtp } from './mail/smtp.js';
import { mailTables } from './migrations/0100-mails.js';

/** No rule changes rows of this service. */
export const entities: readonly AnyEntity[] = [];

/** In the order in which they run. A released migration is never changed. */
export const migrations: Migrations = [...serviceTables, ...platformMigrations, mailTables];

const rotation = keyRotation(MailEncryption, {
  serviceName: 'notifications',
  setting: 'NOTIFICATIONS_SECRET',
  columns: [{ table: 'mail', column: 'sealed', id: 'id', boundTo: 'id' }],
});

/** Sends mail. */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'notifications',
      consumer: 'notifications-users',
      rules: notificationsRules,
      entities,
      forgetting: ForgottenMails,
    }),
  ],
  controllers: [MailController],
  providers: [rotation, MailEncryption, MailQueue, MailSweep, MailWorker, Smtp],
})
export class NotificationsModule {}
