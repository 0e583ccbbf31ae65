import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Problem } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';

export interface SendingInbox {
  id: string;
  accountId: string;
  /** Null for a shared inbox. */
  ownerId: string | null;
}

/** What an inbox is called that bears nobody's name. */
export const PERSONAL_INBOX = 'Personal inbox';

/** The inboxes that messages go from; one that everybody has is made when it is first needed. */
@Injectable()
export class SendingInboxes {
  constructor(
    private readonly em: EntityManager,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `unknown-reference` */
  async named(accountId: string, id: string): Promise<SendingInbox> {
    const inbox = await this.find(accountId, id);
    if (!inbox) throw new Problem('unknown-reference', { detail: 'Name an inbox of this account.', items: [id] });
    return inbox;
  }

  find(accountId: string, id: string): Promise<SendingInbox | undefined> {
    return this.first(accountId, sql`id = ${id}`);
  }

  /** The first of the person's own. Whoever asks has made sure, and holds, that the person has not left. */
  async personal(accountId: string, ownerId: string): Promise<SendingInbox> {
    const first = () => this.first(accountId, sql`owner_id = ${ownerId}`);
    return (await first()) ?? this.make({ accountId, ownerId, name: PERSONAL_INBOX }, first);
  }

  /** Where campaigns go from that have no inbox of their own. */
  async forCampaigns(accountId: string): Promise<SendingInbox> {
    const name = 'Campaigns';
    const first = () => this.first(accountId, sql`kind = 'shared' and name = ${name}`);
    return (await first()) ?? this.make({ accountId, ownerId: null, name }, first);
  }

  private async first(accountId: string, such: ReturnType<typeof sql>): Promise<SendingInbox | undefined> {
    const { rows } = await sql<SendingInbox>`
      select id, account_id as "accountId", owner_id as "ownerId" from message_inbox
      where account_id = ${accountId} and ${such} order by id limit 1`.execute(this.em.getKysely());
    return rows[0];
  }

  /** Of several who find it missing at the same moment, one makes it. */
  private async make(
    { accountId, ownerId, name }: { accountId: string; ownerId: string | null; name: string },
    look: () => Promise<SendingInbox | undefined>,
  ): Promise<SendingInbox> {
    const db = this.em.getKysely();
    await sql`select pg_advisory_xact_lock(hashtextextended(${`inbox ${ownerId ?? accountId}`}, 0))`.execute(db);
    const made = await look();
    if (made) return made;
    const id = this.ids.next();
    await sql`
      insert into message_inbox (id, account_id, kind, name, owner_id, created_at)
      values (${id}, ${accountId}, ${ownerId ? 'personal' : 'shared'}, ${name}, ${ownerId}, ${this.clock.now()})`.execute(
      db,
    );
    return { id, accountId, ownerId };
  }
}
