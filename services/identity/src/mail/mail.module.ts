import { Module } from '@nestjs/common';
import { MailBudgets } from './mail-budgets.js';
import { Mail } from './mail.js';

/** Requests for emails. */
@Module({
  providers: [Mail, MailBudgets],
  exports: [Mail],
})
export class MailModule {}
