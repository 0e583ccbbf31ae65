import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Ids } from '#libs/database';
import { sql } from 'kysely';
import { profileOf } from '../../../user/user-events.js';
import { UserRows } from '../../../user/user-rows.js';

/** Removes the former person's data from unpublished and published events of a transferred user. */
@Injectable()
export class FormerEvents {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly ids: Ids,
  ) {}

  /**
   * Call in the transaction of the transfer, after the event with the new profile. Events in the outbox keep their order and
   * get the new profile; the broker's events are purged when every service has answered.
   */
  async forget(userId: string): Promise<void> {
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
