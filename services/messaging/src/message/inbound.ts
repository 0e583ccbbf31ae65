import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ServiceClient } from '#libs/broker';
import {
  callInbound,
  messageInbound,
  Problem,
  type Call,
  type InboundMessage,
  type Principal,
  type RoutedCall,
} from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { Ledger } from '../activity/ledger.js';
import { Conversation } from '../conversation/conversation.entity.js';
import { InboxAccess } from '../inbox/inbox-access.js';
import { Message, type MessageRow } from './message.entity.js';
import { Outgoing } from './outgoing.js';
import { misaddressed } from './recipients.js';
import { SendingInboxes, type SendingInbox } from './sending-inboxes.js';

/** Receives messages from contacts. */
@Injectable()
export class Inbound {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly services: ServiceClient,
    private readonly inboxes: SendingInboxes,
    private readonly access: InboxAccess,
    private readonly outgoing: Outgoing,
    private readonly ledger: Ledger,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /**
   * Asks telephony where the number that was written to is routed. Telephony records the request under the idempotency
   * key of the call, so that a repeated call is recorded once.
   * @returns undefined if the message names the inbox
   * @throws Problem `validation`, `not-found`
   */
  async route(
    principal: Principal,
    { to, inboxId, contactId }: InboundMessage,
    idempotency?: Call['idempotency'],
  ): Promise<RoutedCall | undefined> {
    if (!to === !inboxId) throw misaddressed('inboxId', 'Name either the inbox or the number written to');
    if (!to) return undefined;
    const keyed = idempotency && { ...idempotency, key: `${messageInbound.id} ${idempotency.key}` };
    return this.services.call(callInbound, { principal, idempotency: keyed, body: { to, contactId } });
  }

  /**
   * @param route telephony's answer, if the message names a number
   * @throws Problem `unknown-reference`, `conflict`, `inactive-user`
   */
  async receive(
    principal: Principal,
    { inboxId, contactId, text }: InboundMessage,
    route: RoutedCall | undefined,
  ): Promise<MessageRow> {
    const { accountId } = principal;
    const inbox = route ? await this.inboxAt(accountId, route) : await this.inboxes.named(accountId, inboxId!);
    const left = inbox.ownerId ? await this.isUnattended(accountId, inbox.ownerId) : false;
    const thread = (await this.outgoing.conversations(inbox, [contactId], !left)).get(contactId);
    if (!thread) {
      throw new Problem('inactive-user', { detail: 'The owner of this inbox has left.', items: [inbox.ownerId] });
    }
    await this.reopen(accountId, thread);
    const row = this.em.create(Message, {
      id: this.ids.next(),
      accountId,
      inboxId: inbox.id,
      conversationId: thread,
      contactId,
      direction: 'inbound',
      text,
      sentBy: null,
      status: 'received',
      createdAt: this.clock.now(),
    });
    await this.em.flush();
    await this.ledger.replied(thread);
    return row;
  }

  /** Whether the owner has left and the inbox has no caretaker. */
  private async isUnattended(accountId: string, ownerId: string): Promise<boolean> {
    const left = await this.directory.lockAndCheckLeft(accountId, ownerId);
    return left && !(await this.access.caretaker(ownerId));
  }

  private async inboxAt(accountId: string, { user, inboxId }: RoutedCall): Promise<SendingInbox> {
    const shared = inboxId && (await this.inboxes.find(accountId, inboxId));
    if (shared) return shared;
    if (!user)
      throw new Problem('conflict', { detail: 'This number is not routed to a user or an inbox. Name an inbox.' });
    await this.directory.requireActive(accountId, [user.id]);
    return this.inboxes.personal(accountId, user.id);
  }

  /** Reopens a closed conversation. It keeps its assignee, unless they have left. */
  private async reopen(accountId: string, id: string): Promise<void> {
    const { status, assignee } = await this.em.findOneOrFail(Conversation, { id }, { refresh: true });
    if (status !== 'closed') return;
    const left = assignee ? await this.directory.lockAndCheckLeft(accountId, assignee) : false;
    await sql`
      update conversation set status = 'open', assignee = case when ${left} then null else assignee end
      where id = ${id} and status = 'closed' and assignee is not distinct from ${assignee ?? null}`.execute(
      this.em.getKysely(),
    );
  }
}
