import { Global, Module } from '@nestjs/common';
import { AfterCommit } from '#libs/database';
import { Outbox, OutboxRelay } from '#libs/outbox';

/** What every module of identity may use: the outbox, and work that follows a commit. */
@Global()
@Module({
  providers: [AfterCommit, Outbox, OutboxRelay],
  exports: [AfterCommit, Outbox, OutboxRelay],
})
export class FoundationModule {}
