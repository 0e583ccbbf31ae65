import { Module } from '@nestjs/common';
import { Mail } from './mail.js';

/** Requests for emails. */
@Module({
  providers: [Mail],
  exports: [Mail],
})
export class MailModule {}
