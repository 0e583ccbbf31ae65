import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Recipient } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { Threads } from '../conversation/threads.js';
import type { Letter } from '../message/outgoing.js';
import type { SendingInbox } from '../message/sending-inboxes.js';
import { ScheduledMessage, type ScheduledMessageRow } from './scheduled-message.entity.js';

/** Stores messages that are sent later. */
@Injectable()
export class ScheduledMessages {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly threads: Threads,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `inactive-user` when the owner of the inbox has left */
  async schedule(
    inbox: SendingInbox,
    letter: Letter,
    to: readonly Recipient[],
    at: Date,
  ): Promise<ScheduledMessageRow> {
    // The owner must be active even if the caller is the caretaker, because the message would be held.
    await this.directory.requireActive(inbox.accountId, [inbox.ownerId]);
    const contactIds = to.map(({ id }) => id);
    // Conversations are created now, because they cannot be created once the owner has left.
    await this.threads.of(inbox, contactIds, true);
    const row = this.em.create(ScheduledMessage, {
      id: this.ids.next(),
      accountId: inbox.accountId,
      inboxId: inbox.id,
      contactIds,
      text: letter.text,
      at,
      status: 'scheduled',
      ownerId: inbox.ownerId ?? letter.sentBy,
      scheduledBy: letter.sentBy,
      teamIds: [...letter.teamIds],
      createdAt: this.clock.now(),
    });
    await this.em.flush();
    return row;
  }
}
