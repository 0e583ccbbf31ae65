import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Recipient } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
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
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /**
   * Uses the current transaction: the messages are sent if and only if it commits.
   * @param begin whether to create missing conversations; if false, contacts without a conversation get no message
   * @returns the ids of the messages, in the order of the recipients
   */
  async queue(inbox: SendingInbox, letter: Letter, recipients: readonly Recipient[], begin = true): Promise<string[]> {
    const threads = await this.conversations(
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

  /**
   * Finds the latest conversation with each contact in the inbox, and creates missing ones if `begin` is true.
   * @returns conversation id by contact id
   */
  async conversations(
    inbox: SendingInbox,
    contactIds: readonly string[],
    begin: boolean,
  ): Promise<Map<string, string>> {
    const db = this.em.getKysely();
    // Locked until the transaction ends, so that concurrent messages to a contact do not create two conversations.
    await sql`select 1 from message_inbox where id = ${inbox.id} for no key update`.execute(db);
    const { rows } = await sql<{ id: string; contact_id: string }>`
      select distinct on (contact_id) id, contact_id from conversation
      where inbox_id = ${inbox.id} and contact_id = any(${[...contactIds]}::uuid[]) order by contact_id, id desc`.execute(
      db,
    );
    const known = new Map(rows.map((row) => [row.contact_id, row.id]));
    const missing = begin ? contactIds.filter((id) => !known.has(id)) : [];
    const created = missing.map(() => this.ids.next());
    await sql`
      insert into conversation (id, account_id, inbox_id, contact_id, status, created_at)
      select n.id, ${inbox.accountId}, ${inbox.id}, n.contact_id, 'open', ${this.clock.now()}
      from unnest(${created}::uuid[], ${missing}::uuid[]) as n (id, contact_id)`.execute(db);
    missing.forEach((contactId, index) => known.set(contactId, created[index]!));
    return known;
  }

  /** Returns the user's current teams. */
  async teamsOf(userId: string): Promise<string[]> {
    const { rows } = await sql<{ team_ids: string[] }>`
      select team_ids from directory where user_id = ${userId}`.execute(this.em.getKysely());
    return rows[0]?.team_ids ?? [];
  }
}
