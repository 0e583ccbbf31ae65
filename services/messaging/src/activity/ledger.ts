import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { Clock, Ids } from '#libs/database';

/** A message that the carrier has accepted. */
export interface SentMessage {
  id: string;
  account_id: string;
  inbox_id: string;
  contact_id: string;
  sent_by: string;
  team_ids: string[];
}

/** Records that messages were sent, delivered and answered, each at most once. Uses the current transaction. */
@Injectable()
export class Ledger {
  constructor(
    private readonly em: EntityManager,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** Also records a message that was removed while it was being handed to the carrier. */
  async sent(message: SentMessage): Promise<void> {
    const now = this.clock.now();
    await sql`
      insert into message_activity (id, account_id, message_id, kind, user_id, team_ids, inbox_id, contact_id, sent_at, at)
      values (${this.ids.next()}, ${message.account_id}, ${message.id}, 'sent', ${message.sent_by}, ${message.team_ids}::uuid[],
        ${message.inbox_id}, ${message.contact_id}, ${now}, ${now})
      on conflict (message_id, kind) do nothing`.execute(this.em.getKysely());
  }

  delivered(messageId: string): Promise<void> {
    return this.follow('delivered', sql`${messageId}::uuid`);
  }

  /** Records that a contact has answered the last message of the conversation that the carrier has accepted. */
  replied(conversationId: string): Promise<void> {
    const last = sql`(
      select id from message where conversation_id = ${conversationId} and status in ('sent', 'delivered') order by id desc limit 1)`;
    return this.follow('replied', last);
  }

  /** Later entries of a message copy the sender, the teams and the time of its `sent` entry. */
  private async follow(kind: 'delivered' | 'replied', messageId: RawBuilder<unknown>): Promise<void> {
    await sql`
      insert into message_activity (id, account_id, message_id, kind, user_id, team_ids, inbox_id, contact_id, sent_at, at)
      select ${this.ids.next()}::uuid, account_id, message_id, ${kind}, user_id, team_ids, inbox_id, contact_id, sent_at,
        ${this.clock.now()}::timestamptz
      from message_activity where message_id = ${messageId} and kind = 'sent'
      on conflict (message_id, kind) do nothing`.execute(this.em.getKysely());
  }
}
