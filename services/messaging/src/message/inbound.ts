import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { InboundMessage, Principal } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { Ledger } from '../activity/ledger.js';
import { Threads } from '../conversation/threads.js';
import { InboundRouting, ownerHasLeft, type Route } from './inbound-routing.js';
import { Message, type MessageRow } from './message.entity.js';

/** Receives messages from contacts. */
@Injectable()
export class Inbound {
  constructor(
    private readonly em: EntityManager,
    private readonly routing: InboundRouting,
    private readonly threads: Threads,
    private readonly ledger: Ledger,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /**
   * @param route telephony's answer, if the message names a number
   * @throws Problem `unknown-reference`, `conflict`, `inactive-user`
   */
  async receive(principal: Principal, message: InboundMessage, route: Route | undefined): Promise<MessageRow> {
    const { accountId } = principal;
    const { contactId, text } = message;
    const { unattended, ...inbox } = await this.routing.inboxOf(accountId, message, route);
    const thread = (await this.threads.of(inbox, [contactId], !unattended)).get(contactId);
    if (!thread) throw ownerHasLeft(inbox.ownerId!);
    await this.threads.reopen(accountId, thread);
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
}
