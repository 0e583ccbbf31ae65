import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { scheduledMessages, type Call, type NewScheduledMessage } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource } from '#libs/platform';
import { Composer } from '../message/composer.js';
import { ScheduledMessage, type ScheduledMessageRow } from './scheduled-message.entity.js';
import { shownScheduled } from './shown.js';

const base = plainResource(scheduledMessages, {
  entity: ScheduledMessage,
  shown: ['inboxId', 'contactIds', 'text', 'at', 'status', 'createdAt'],
  people: ['ownerId', 'scheduledBy'],
});

@Controller()
export class ScheduledMessageController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly composer: Composer,
  ) {
    super(em, directory, ids, clock);
  }

  /** The same as composing a message with a time. */
  override insert(
    { principal }: Pick<Call, 'principal'>,
    values: Record<string, unknown>,
  ): Promise<ScheduledMessageRow> {
    return this.composer.schedule(principal, values as unknown as NewScheduledMessage);
  }

  override present(rows: readonly ScheduledMessageRow[]): Promise<object[]> {
    return shownScheduled(this.directory, rows);
  }
}
