import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Problem, type CloudEvent } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import type { Db } from '#libs/lifecycle';

/**
 * The queue of webhook deliveries. It joins the caller's transaction, so an event is queued if and only if it happened.
 */
@Injectable()
export class Deliveries {
  constructor(
    private readonly em: EntityManager,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** Queues an event for every active webhook of the account that subscribed to its type. */
  async announce(accountId: string, type: string, data: object): Promise<void> {
    const { rows } = await sql<{ id: string }>`
      select id from webhook where account_id = ${accountId} and active and ${type} = any(events) order by id for share`.execute(
      this.em.getKysely(),
    );
    for (const { id } of rows) await this.queue(id, type, data);
  }

  /**
   * Queues departure events for active webhooks that subscribed to them and whose owner is an active owner or admin. A
   * delivery's id is derived from event and webhook, so an event that is consumed twice is queued once.
   */
  async announceDepartures(news: readonly CloudEvent<{ accountId: string }>[]): Promise<void> {
    const now = this.clock.now();
    const rows = news.map(({ id, type, time, data }) => ({
      id,
      type,
      account_id: data.accountId,
      body: JSON.stringify({ type, timestamp: time, data }),
    }));
    await sql`
      with news as materialized (
        select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (id uuid, type text, account_id uuid, body text)
      ), hearing as materialized (
        select w.id, w.account_id, w.events from webhook w join directory d on d.user_id = w.owner_id
        where w.account_id in (select account_id from news) and w.active and d.status = 'active' and d.is_manager
        order by w.id for share of w
      )
      insert into webhook_delivery (id, webhook_id, body, attempts, due_at, created_at)
      select md5(n.id::text || h.id::text)::uuid, h.id, n.body, 0, ${now}::timestamptz, ${now}::timestamptz
      from news n join hearing h on h.account_id = n.account_id and n.type = any(h.events)
      on conflict (id) do nothing`.execute(this.em.getKysely());
  }

  /**
   * Queues an event for one webhook, whatever types it subscribed to.
   * @returns the id of the delivery
   * @throws Problem `conflict` when the webhook is not active
   */
  async send(webhookId: string, type: string, data: object): Promise<string> {
    // The shared lock orders this against a request that disables the webhook and empties its queue.
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

/** Deletes the queued deliveries of these webhooks. */
export async function emptyQueues(db: Db, webhookIds: readonly string[]): Promise<void> {
  await sql`delete from webhook_delivery where webhook_id = any(${[...webhookIds]}::uuid[])`.execute(db);
}
