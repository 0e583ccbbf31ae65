import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Prepares } from '#libs/broker';
import {
  scheduledMessages,
  type Call,
  type CallOf,
  type NewScheduledMessage,
  type ScheduledMessageChanges,
} from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource } from '#libs/platform';
import { inAttendedInboxes, inSharedInboxes } from '../inbox/inbox-access.js';
import { InboxReads } from '../inbox/inbox-reads.worker.js';
import { Composer, type PreparedMessage } from '../message/composer.js';
import { ScheduledChanges } from './scheduled-changes.js';
import { ScheduledMessage, type ScheduledMessageRow } from './scheduled-message.entity.js';
import { shownScheduled } from './shown.js';

const base = plainResource(scheduledMessages, {
  entity: ScheduledMessage,
  shown: ['inboxId', 'contactIds', 'text', 'at', 'status', 'createdAt'],
  people: ['ownerId', 'scheduledBy'],
  // The user who scheduled a message always sees it, whichever inbox it is sent from.
  own: (principal, now) => ({ $or: [{ scheduledBy: principal.userId }, inAttendedInboxes(principal, now)] }),
  team: inSharedInboxes,
});

type NewRow = Partial<ScheduledMessageRow> & { message: NewScheduledMessage; prepared: PreparedMessage };

@Controller()
export class ScheduledMessageController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly composer: Composer,
    private readonly reads: InboxReads,
    private readonly changes: ScheduledChanges,
  ) {
    super(em, directory, ids, clock);
  }

  @Prepares(scheduledMessages.create)
  async prepareMessage({ principal, body }: CallOf<typeof scheduledMessages.create>): Promise<PreparedMessage> {
    return this.composer.prepare(principal, body);
  }

  override async prepare({ body }: Call, prepared: PreparedMessage): Promise<NewRow> {
    return { message: body as NewScheduledMessage, prepared };
  }

  /** Same as composing a message with a time. */
  override insert({ principal }: Pick<Call, 'principal'>, { message, prepared }: NewRow): Promise<ScheduledMessageRow> {
    return this.composer.schedule(principal, message, prepared);
  }

  override prepareChange(message: ScheduledMessageRow, call: Call<ScheduledMessageChanges>): Promise<void> {
    return this.changes.prepare(message, call);
  }

  override change(message: ScheduledMessageRow, call: Call<ScheduledMessageChanges>): Promise<void> {
    return this.changes.apply(message, call);
  }

  override async present(
    rows: readonly ScheduledMessageRow[],
    { principal }: Pick<Call, 'principal'>,
  ): Promise<object[]> {
    const inboxIds = rows.map((row) => row.inboxId);
    await this.reads.record(principal, inboxIds);
    return shownScheduled(this.directory, rows);
  }
}
