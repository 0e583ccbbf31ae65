import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Ids } from '#libs/database';
import { sql } from 'kysely';
import { EmailChanges } from '../../../email-change/email-changes.js';
import { profileOf, UserEvents } from '../../../user/user-events.js';
import { UserRows, type UserRow } from '../../../user/user-rows.js';

/** Publishes who a user is now, tells the former person, and removes the former person from the events that are still there. */
@Injectable()
export class TransferEvents {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly events: UserEvents,
    private readonly ids: Ids,
    private readonly emailChanges: EmailChanges,
  ) {}

  /**
   * In the transaction of the transfer. Events that wait in the outbox keep their meaning and their place, and carry the
   * new person's profile. What the broker holds is purged once every service has received the new profile; that does not wait
   * for the rules of the take-over, whose event is published later.
   * @param former the user before the transfer
   */
  async publish({ id: userId, email, status }: UserRow): Promise<void> {
    if (email !== null && status !== 'invited') await this.emailChanges.notifyChanged(userId, email);
    await this.events.publishChanged([userId]);
    const [user] = await this.users.byIds([userId]);
    const { account_id: accountId, seq } = user!;
    const db = this.em.getKysely();
    await sql`
      with waiting as (
        select id from outbox where user_id = ${userId} and seq < ${seq} order by user_id, seq for update)
      update outbox o
      set event = jsonb_set(o.event::jsonb, '{data,profile}', ${JSON.stringify(profileOf(user!))}::jsonb)::json
      from waiting where o.id = waiting.id`.execute(db);
    await sql`
      insert into stream_purge (id, account_id, user_id, seq)
      values (${this.ids.next()}, ${accountId}, ${userId}, ${seq})`.execute(db);
  }
}
