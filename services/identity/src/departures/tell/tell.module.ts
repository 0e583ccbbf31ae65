import { Module } from '@nestjs/common';
import { MailModule } from '../../mail/mail.module.js';
import { StoreModule } from '../store/store.module.js';
import { DepartureMailWorker } from './departure-mail.worker.js';
import { MailReaders } from './mail-readers.js';
import { ReturnReminderWorker } from './return-reminder.worker.js';

/** Tells people of departures by mail. */
@Module({
  imports: [MailModule, StoreModule],
  providers: [DepartureMailWorker, MailReaders, ReturnReminderWorker],
})
export class TellModule {}
