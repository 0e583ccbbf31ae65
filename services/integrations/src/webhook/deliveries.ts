import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Problem, receives, type CloudEvent, type Subscription, type WebhookEvent } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import type { Db } from '#libs/lifecycle';

interface Subscribed extends Subscription {
  id: string;
  account_id: string;
}

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

  /** Queues an event for every active webhook of the account that receives events of its type. */
  async announce(accountId: string, type: WebhookEvent, data: object): Promise<void> {
    const webhooks = await this.subscribed([accountId]);
    for (const webhook of webhooks) if (receives(webhook, type)) await this.queue(webhook.id, type, data);
  }

  /**
   * Queues departure events for active webhooks that receive them. A delivery's id is derived from event and webhook, so
   * an event that is consumed twice is queued once.
   */
  async announceDepartures(news: readonly CloudEvent<{ accountId: string }>[]): Promise<void> {
    const now = this.clock.now();
    const webhooks = await this.subscribed([...new Set(news.map(({ data }) => data.accountId))]);
    const byAccount = Map.groupBy(webhooks, (webhook) => webhook.account_id);
    const rows = news.flatMap(({ id, type, time, data }) =>
      (byAccount.get(data.accountId) ?? [])
        .filter((webhook) => receives(webhook, type))
        .map((webhook) => ({ id, webhook_id: webhook.id, body: JSON.stringify({ type, timestamp: time, data }) })),
    );
    if (rows.length === 0) return;
    await sql`
      insert into webhook_delivery (id, webhook_id, body, attempts, due_at, created_at)
      select md5(n.id::text || n.webhook_id::text)::uuid, n.webhook_id, n.body, 0, ${now}::timestamptz, ${now}::timestamptz
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (id uuid, webhook_id uuid, body text)
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

  /** The active webhooks of these accounts, locked in share mode until their deliveries are queued. */
  private async subscribed(accountIds: readonly string[]): Promise<Subscribed[]> {
    const { rows } = await sql<Subscribed>`
      select w.id, w.account_id, w.events, coalesce(d.status = 'active' and d.is_manager, false) as "ownerIsManager"
      from webhook w left join directory d on d.user_id = w.owner_id
      where w.account_id = any(${[...accountIds]}::uuid[]) and w.active order by w.id for share of w`.execute(
      this.em.getKysely(),
    );
    return rows;
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

/** Deletes the queued deliveries of these webhooks. @returns how many there were, by webhook */
export async function emptyQueues(db: Db, webhookIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ webhook_id: string; count: number }>`
    with gone as (delete from webhook_delivery where webhook_id = any(${[...webhookIds]}::uuid[]) returning webhook_id)
    select webhook_id, count(*)::int as count from gone group by webhook_id`.execute(db);
  return new Map(rows.map((row) => [row.webhook_id, row.count]));
}
