import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Recipient } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import type { SendingInbox } from './sending-inboxes.js';

/** What goes out, and on whose behalf; the sender's teams are those of the time of writing. */
export interface Letter {
  text: string;
  sentBy: string;
  teamIds: readonly string[];
}

/** Puts messages where the carrier takes them from, each into the conversation with its contact. */
@Injectable()
export class Outgoing {
  constructor(
    private readonly em: EntityManager,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /**
   * Joins the running transaction: the messages are sent if and only if it commits.
   * @param begin whether conversations may begin; without, whoever has none yet gets nothing
   * @returns ids of the messages, in the order of the recipients
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
   * The latest conversation with each contact in the inbox, begun where there is none.
   * @returns conversation by contact
   */
  async conversations(
    inbox: SendingInbox,
    contactIds: readonly string[],
    begin: boolean,
  ): Promise<Map<string, string>> {
    const db = this.em.getKysely();
    // Held until the end, so that two who write to a contact at the same moment do not begin two conversations.
    await sql`select 1 from message_inbox where id = ${inbox.id} for no key update`.execute(db);
    const { rows } = await sql<{ id: string; contact_id: string }>`
      select distinct on (contact_id) id, contact_id from conversation
      where inbox_id = ${inbox.id} and contact_id = any(${[...contactIds]}::uuid[]) order by contact_id, id desc`.execute(
      db,
    );
    const known = new Map(rows.map((row) => [row.contact_id, row.id]));
    const strangers = begin ? contactIds.filter((id) => !known.has(id)) : [];
    const begun = strangers.map(() => this.ids.next());
    await sql`
      insert into conversation (id, account_id, inbox_id, contact_id, status, created_at)
      select n.id, ${inbox.accountId}, ${inbox.id}, n.contact_id, 'open', ${this.clock.now()}
      from unnest(${begun}::uuid[], ${strangers}::uuid[]) as n (id, contact_id)`.execute(db);
    strangers.forEach((contactId, index) => known.set(contactId, begun[index]!));
    return known;
  }

  /** The teams of a person now. */
  async teamsOf(userId: string): Promise<string[]> {
    const { rows } = await sql<{ team_ids: string[] }>`
      select team_ids from directory where user_id = ${userId}`.execute(this.em.getKysely());
    return rows[0]?.team_ids ?? [];
  }
}
