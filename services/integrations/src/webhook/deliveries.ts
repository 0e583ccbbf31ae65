import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Problem } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import type { Db } from '#libs/lifecycle';

/** What waits to be sent to webhooks. Joins the caller's transaction: an event is queued if and only if it happened. */
@Injectable()
export class Deliveries {
  constructor(
    private readonly em: EntityManager,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** Queues an event for every active webhook of the account that asked for it. */
  async announce(accountId: string, type: string, data: object): Promise<void> {
    const { rows } = await sql<{ id: string }>`
      select id from webhook where account_id = ${accountId} and active and ${type} = any(events) order by id for share`.execute(
      this.em.getKysely(),
    );
    for (const { id } of rows) await this.queue(id, type, data);
  }

  /**
   * Queues an event for one webhook, whatever it asked for.
   * @returns the id of the delivery
   * @throws Problem `conflict` when it is not active
   */
  async send(webhookId: string, type: string, data: object): Promise<string> {
    // Held in share: whoever disables it, and empties its queue, comes before or after.
    const { rows } = await sql`select 1 from webhook where id = ${webhookId} and active for share`.execute(
      this.em.getKysely(),
    );
    if (rows.length === 0) throw new Problem('conflict', { detail: 'The webhook is not active.' });
    return this.queue(webhookId, type, data);
  }

  private async queue(webhookId: string, type: string, data: object): Promise<string> {
    const [id, now] = [this.ids.next(), this.clock.now()];
    const body = JSON.stringify({ type, timestamp: now.toISOString(), data });
    await sql`
      insert into webhook_delivery (id, webhook_id, body, attempts, due_at, created_at)
      values (${id}, ${webhookId}, ${body}, 0, ${now}, ${now})`.execute(this.em.getKysely());
    return id;
  }
}

/** Throws away what waits for these webhooks. */
export async function emptyQueues(db: Db, webhookIds: readonly string[]): Promise<void> {
  await sql`delete from webhook_delivery where webhook_id = any(${[...webhookIds]}::uuid[])`.execute(db);
}
