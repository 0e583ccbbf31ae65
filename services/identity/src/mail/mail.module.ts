import { Module } from '@nestjs/common';
import { Mail } from './mail.js';

/** Requests for messages to people. */
@Module({
  providers: [Mail],
  exports: [Mail],
})
export class MailModule {}
