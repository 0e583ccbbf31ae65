import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Inject } from '@nestjs/common';
import { Handles, Prepares, type Prepared } from '#libs/broker';
import {
  messageCompose,
  messageDelivery,
  messageGet,
  messageInbound,
  messageList,
  messageRemove,
  MOST_SHOWN,
  Problem,
  RIGHTS,
  whoMay,
  type AnswerOf,
  type Call,
  type CallOf,
  type ComposedMessages,
  type Message as MessageAnswer,
  type MessageQuery,
  type Principal,
} from '#libs/contracts';
import { Clock, Directory, pageWindow, toPage } from '#libs/database';
import { allOf, notAllowed, personFields, rowsFor, type Relations } from '#libs/platform';
import { Ledger } from '../activity/ledger.js';
import { conversationsOf, inAttendedInboxes } from '../inbox/inbox-access.js';
import { InboxReads } from '../inbox/inbox-reads.worker.js';
import { shownScheduled } from '../scheduled-message/shown.js';
import { Composer, type PreparedMessage } from './composer.js';
import { InboundRouting } from './inbound-routing.js';
import { Inbound } from './inbound.js';
import { Message, type MessageRow } from './message.entity.js';

@Controller()
export class MessageController {
  @Inject(InboxReads) private readonly reads: InboxReads;

  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly composer: Composer,
    private readonly routing: InboundRouting,
    private readonly inbound: Inbound,
    private readonly ledger: Ledger,
    private readonly clock: Clock,
  ) {}

  @Prepares(messageCompose)
  async prepare({ principal, body }: CallOf<typeof messageCompose>): Promise<PreparedMessage> {
    return this.composer.prepare(principal, body);
  }

  @Handles(messageCompose)
  async compose(
    { principal, body }: CallOf<typeof messageCompose>,
    prepared: PreparedMessage,
  ): Promise<ComposedMessages> {
    const { sent, scheduled, total } = await this.composer.compose(principal, body, prepared);
    const rows = await this.em.find(Message, { id: { $in: sent.slice(0, MOST_SHOWN) } }, { orderBy: { id: 'asc' } });
    const shown = await shownScheduled(this.directory, scheduled.slice(0, MOST_SHOWN));
    return { total, items: await this.shown(rows), scheduled: shown };
  }

  @Handles(messageList)
  async list({ principal, query }: CallOf<typeof messageList>): Promise<AnswerOf<typeof messageList>> {
    const { limit, before } = pageWindow(query);
    const after = before ? { id: { $lt: before } } : {};
    const where = allOf<MessageRow>(wanted(query, principal), this.rowsFor('list', principal), after);
    const rows = await this.em.find(Message, where, { orderBy: { id: 'desc' }, limit: limit + 1 });
    const page = toPage(rows, query);
    await this.recordReads(principal, page.items);
    return { ...page, items: await this.shown(page.items) };
  }

  @Handles(messageGet)
  async get(call: Call): Promise<MessageAnswer> {
    const message = await this.find(call);
    await this.recordReads(call.principal, [message]);
    return (await this.shown([message]))[0]!;
  }

  @Handles(messageRemove)
  async remove(call: Call): Promise<void> {
    const message = await this.find(call);
    const allowed = allOf<MessageRow>({ id: message.id }, this.rowsFor('remove', call.principal));
    if ((await this.em.count(Message, allowed)) === 0) throw notAllowed(whoMay(RIGHTS.messages, 'remove'));
    this.em.remove(message);
  }

  @Prepares(messageInbound)
  async route({
    principal,
    body,
    idempotency,
  }: CallOf<typeof messageInbound>): Promise<Prepared<InboundRouting['route']>> {
    return this.routing.route(principal, body, idempotency);
  }

  @Handles(messageInbound)
  async receive(
    { principal, body }: CallOf<typeof messageInbound>,
    route: Prepared<InboundRouting['route']>,
  ): Promise<MessageAnswer> {
    return (await this.shown([await this.inbound.receive(principal, body, route)]))[0]!;
  }

  @Handles(messageDelivery)
  async report(call: CallOf<typeof messageDelivery>): Promise<MessageAnswer> {
    const message = await this.find(call);
    const { status } = call.body;
    if (message.status !== status) {
      const changed = await this.em.nativeUpdate(Message, { id: message.id, status: 'sent' }, { status });
      if (changed === 0) throw new Problem('conflict', { detail: `The message is ${message.status}.` });
      if (status === 'delivered') await this.ledger.delivered(message.id);
      await this.em.refresh(message);
    }
    return (await this.shown([message]))[0]!;
  }

  /** @throws Problem `not-found`, also for a message in a conversation that the caller does not see */
  private async find({ params, principal }: Pick<Call, 'params' | 'principal'>): Promise<MessageRow> {
    const { accountId } = principal;
    const where = allOf<MessageRow>({ id: params.id, accountId }, this.rowsFor('get', principal));
    const message = await this.em.findOne(Message, where);
    if (!message) throw new Problem('not-found');
    return message;
  }

  private recordReads(principal: Principal, rows: readonly MessageRow[]): Promise<void> {
    const inboxIds = rows.map((row) => row.inboxId);
    return this.reads.record(principal, inboxIds);
  }

  private rowsFor(verb: string, principal: Principal): object {
    return rowsFor(whoMay(RIGHTS.messages, verb), principal, relations, this.clock.now());
  }

  private async shown(rows: readonly MessageRow[]): Promise<MessageAnswer[]> {
    const views = await this.directory.views(rows.map(({ sentBy }) => sentBy));
    return rows.map(({ id, inboxId, conversationId, contactId, direction, text, status, sentBy, createdAt }) => ({
      ...{ id, inboxId, conversationId, contactId, direction, text, status, createdAt: createdAt.toISOString() },
      ...(personFields('sentBy', sentBy, views) as Pick<MessageAnswer, 'sentBy'>),
    }));
  }
}

const relations: Relations = {
  own: (principal, now) => ({ $or: [{ sentBy: principal.userId }, inAttendedInboxes(principal, now)] }),
  team: (principal, now) => ({ conversationId: { $in: conversationsOf(principal, now) } }),
};

function wanted({ limit: _limit, cursor: _cursor, sentBy, ...fields }: MessageQuery, principal: Principal): object {
  const sender = sentBy === 'me' ? principal.userId : sentBy === 'none' ? null : sentBy;
  const given = Object.entries({ ...fields, sentBy: sender }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), accountId: principal.accountId };
}
