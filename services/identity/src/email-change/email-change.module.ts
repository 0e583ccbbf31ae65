import { Module } from '@nestjs/common';
import { MailModule } from '../mail/mail.module.js';
import { EmailChanges } from './email-changes.js';

/** New addresses that wait for their confirmation. */
@Module({
  imports: [MailModule],
  providers: [EmailChanges],
  exports: [EmailChanges],
})
export class EmailChangeModule {}
