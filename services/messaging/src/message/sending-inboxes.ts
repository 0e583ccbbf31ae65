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

/** The name of a personal inbox that was created automatically, or whose owner was deleted. */
export const PERSONAL_INBOX = 'Personal inbox';

/** The name of the shared inbox for campaigns, by which it is found. */
export const CAMPAIGN_INBOX = 'Campaigns';

/** Finds the inboxes that messages are sent from. Personal and campaign inboxes are created when first needed. */
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

  /** Returns the user's first personal inbox. The caller must have locked the user and checked that they have
   * not left, or that they have a caretaker. */
  async personal(accountId: string, ownerId: string): Promise<SendingInbox> {
    const first = () => this.first(accountId, sql`owner_id = ${ownerId}`);
    return (await first()) ?? this.make({ accountId, ownerId, name: PERSONAL_INBOX }, first);
  }

  /** Returns the inbox for campaigns that do not name a usable one. It is open to all, as campaigns are. */
  async forCampaigns(accountId: string): Promise<SendingInbox> {
    const name = CAMPAIGN_INBOX;
    const first = () => this.first(accountId, sql`kind = 'shared' and name = ${name}`);
    return (await first()) ?? this.make({ accountId, ownerId: null, name }, first);
  }

  private async first(accountId: string, condition: ReturnType<typeof sql>): Promise<SendingInbox | undefined> {
    const { rows } = await sql<SendingInbox>`
      select id, account_id as "accountId", owner_id as "ownerId" from message_inbox
      where account_id = ${accountId} and ${condition} order by id limit 1`.execute(this.em.getKysely());
    return rows[0];
  }

  /** Creates the inbox once, even with concurrent callers. */
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
      insert into message_inbox (id, account_id, kind, name, owner_id, open_to_all, created_at)
      values (${id}, ${accountId}, ${ownerId ? 'personal' : 'shared'}, ${name}, ${ownerId}, ${ownerId ? null : true}, ${this.clock.now()})`.execute(
      db,
    );
    return { id, accountId, ownerId };
  }
}
