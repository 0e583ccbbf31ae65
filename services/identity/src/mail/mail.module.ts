import { Module } from '@nestjs/common';
import { SigningKeyModule } from '../signing-key/signing-key.module.js';
import { MailBudgets } from './mail-budgets.js';
import { Mail } from './mail.js';
import { MailWorker } from './mail.worker.js';

/** Requests for emails. */
@Module({
  imports: [SigningKeyModule],
  providers: [Mail, MailBudgets, MailWorker],
  exports: [Mail],
})
export class MailModule {}
