import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Recipient } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { Threads } from '../conversation/threads.js';
import type { SendingInbox } from './sending-inboxes.js';

/** A text and its sender. `teamIds` are the sender's teams at the time of writing. */
export interface Letter {
  text: string;
  sentBy: string;
  teamIds: readonly string[];
}

/** Queues messages for the carrier, each in the conversation with its contact. */
@Injectable()
export class Outgoing {
  constructor(
    private readonly em: EntityManager,
    private readonly threads: Threads,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /**
   * Uses the current transaction: the messages are sent if and only if it commits.
   * @param begin whether to create missing conversations; if false, contacts without a conversation get no message
   * @returns the ids of the messages, in the order of the recipients
   */
  async queue(inbox: SendingInbox, letter: Letter, recipients: readonly Recipient[], begin = true): Promise<string[]> {
    const threads = await this.threads.of(
      inbox,
      recipients.map(({ id }) => id),
      begin,
    );
    const reached = recipients.filter(({ id }) => threads.has(id));
    if (reached.length === 0) return [];
    const ids = reached.map(() => this.ids.next());
    const now = this.clock.now();
    await sql`
      insert into message (id, account_id, inbox_id, conversation_id, contact_id, direction, text, to_phone, sent_by, team_ids,
        status, due_at, created_at)
      select n.id, ${inbox.accountId}, ${inbox.id}, n.conversation_id, n.contact_id, 'outbound', ${letter.text}, n.to_phone,
        ${letter.sentBy}, ${[...letter.teamIds]}::uuid[], 'queued', ${now}, ${now}
      from unnest(${ids}::uuid[], ${reached.map(({ id }) => threads.get(id)!)}::uuid[],
        ${reached.map(({ id }) => id)}::uuid[], ${reached.map(({ phone }) => phone)}::text[])
        as n (id, conversation_id, contact_id, to_phone)`.execute(this.em.getKysely());
    return ids;
  }
}
