import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { sql } from 'kysely';
import { Answers } from '#libs/broker';
import { contactsToTell, DAYS_TO_TELL, MOST_TO_TELL } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Carrier } from '../carrier/carrier.js';

const DAY = 86_400_000;

interface ToTell {
  contacts: { contactId: string; lastMessageAt: string }[];
  total: number;
  sandbox?: true;
}

/** Returns the ids of contacts that a leaver was in touch with. Names come from the contacts service. */
@Controller()
export class ContactsToTellController {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly carrier: Carrier,
  ) {}

  @Answers(contactsToTell)
  async find({ accountId, userId }: { accountId: string; userId: string }): Promise<ToTell> {
    const since = new Date(this.clock.millis() - DAYS_TO_TELL * DAY);
    const { rows } = await sql<{ contact_id: string; last: string; total: string }>`
      with own as materialized (
        select id from message_inbox where owner_id = ${userId} and account_id = ${accountId} and kind = 'personal'),
      told as (
        select contact_id, max(created_at) as last from message
        where inbox_id = any(array(select id from own)) and created_at >= ${since} group by contact_id)
      select contact_id, last, count(*) over () as total from told order by last desc, contact_id limit ${MOST_TO_TELL}`.execute(
      this.em.getKysely(),
    );
    const contacts = rows.map(({ contact_id: contactId, last }) => ({
      contactId,
      lastMessageAt: new Date(last).toISOString(),
    }));
    return { contacts, total: Number(rows[0]?.total ?? 0), ...(this.carrier.isSandbox && { sandbox: true }) };
  }
}
