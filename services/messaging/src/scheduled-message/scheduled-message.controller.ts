import { EntityManager, type ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Prepares } from '#libs/broker';
import {
  isManager,
  Problem,
  scheduledMessages,
  type Call,
  type CallOf,
  type ListQuery,
  type NewScheduledMessage,
  type NoBody,
} from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource } from '#libs/platform';
import { inVisibleInboxes } from '../inbox/inbox-access.js';
import { Composer, type PreparedMessage } from '../message/composer.js';
import { ScheduledMessage, type ScheduledMessageRow } from './scheduled-message.entity.js';
import { shownScheduled } from './shown.js';

const base = plainResource(scheduledMessages, {
  entity: ScheduledMessage,
  shown: ['inboxId', 'contactIds', 'text', 'at', 'status', 'createdAt'],
  people: ['ownerId', 'scheduledBy'],
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

  override filter(call: Call<NoBody, ListQuery>): ObjectQuery<ScheduledMessageRow> {
    return { ...super.filter(call), ...this.seenBy(call) };
  }

  /** @throws Problem `not-found`, also for a message from a personal inbox that the caller may not see */
  override async find(call: Pick<Call, 'params' | 'principal'>): Promise<ScheduledMessageRow> {
    const { params, principal } = call;
    const where = { id: params.id, accountId: principal.accountId, ...this.seenBy(call) };
    const row = await this.em.findOne(ScheduledMessage, where);
    if (!row) throw new Problem('not-found');
    return row;
  }

  /** The user who scheduled a message always sees it, whichever inbox it is sent from. */
  private seenBy({ principal }: Pick<Call, 'principal'>): object {
    if (isManager(principal)) return {};
    return { $or: [{ scheduledBy: principal.userId }, inVisibleInboxes(principal, this.clock.now())] };
  }

  override present(rows: readonly ScheduledMessageRow[]): Promise<object[]> {
    return shownScheduled(this.directory, rows);
  }
}
