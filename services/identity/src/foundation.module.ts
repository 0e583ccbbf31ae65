import { EntityManager } from '@mikro-orm/postgresql';
import { Global, Module } from '@nestjs/common';
import { AfterCommit } from '#libs/database';
import { Log, safeErrorFields } from '#libs/observability';
import { Outbox, OutboxRelay } from '#libs/outbox';

const afterCommit = {
  provide: AfterCommit,
  inject: [EntityManager, Log],
  useFactory: (em: EntityManager, log: Log) =>
    new AfterCommit(em, (error) => log.warn(safeErrorFields(error), 'work after a transaction failed')),
};

/** What every module of identity may use: the outbox, and work that follows a commit. */
@Global()
@Module({
  providers: [afterCommit, Outbox, OutboxRelay],
  exports: [AfterCommit, Outbox, OutboxRelay],
})
export class FoundationModule {}
