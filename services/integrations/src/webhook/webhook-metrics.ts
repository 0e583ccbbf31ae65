import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/database';
import { Metrics } from '#libs/observability';
import { sql } from 'kysely';
import { isPaused, needsProbe, receiverOfWebhook } from './receivers.js';

/** Counts stop here, because a measurement must not read a whole table. */
const MOST = 100_000;

/** Shows the operator what waits for webhooks, and for how many receivers. */
@Injectable()
export class WebhookMetrics {
  private readonly waiting;
  private readonly overdue;
  private readonly paused;

  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.waiting = metrics.gauge('leaver_webhook_deliveries_waiting', 'Deliveries that no receiver has accepted yet.');
    this.overdue = metrics.gauge(
      'leaver_webhook_overdue_seconds',
      'How long the first delivery has been due whose receiver is not paused.',
    );
    this.paused = metrics.gauge('leaver_webhook_receivers_paused', 'Receivers that get nothing, or only a probe.');
    metrics.measured(() => this.measure());
  }

  private async measure(): Promise<void> {
    const now = this.clock.now();
    const { rows } = await sql<{ waiting: number; overdue: number; paused: number }>`
      with waiting as (select webhook_id, due_at from webhook_delivery order by due_at limit ${MOST}),
        closed as (
          select account_id, receiver from webhook_receiver r where ${isPaused(now)} or ${needsProbe} limit ${MOST})
      select (select count(*) from waiting)::int as waiting, (select count(*) from closed)::int as paused,
        (select coalesce(greatest(extract(epoch from ${now}::timestamptz - min(d.due_at)), 0), 0)
          from waiting d join webhook w on w.id = d.webhook_id and w.active
          where not exists (select 1 from closed c where c.account_id = w.account_id and c.receiver = ${receiverOfWebhook})
        )::float8 as overdue`.execute(this.em.fork().getKysely());
    const state = rows[0]!;
    this.waiting.set(state.waiting);
    this.overdue.set(state.overdue);
    this.paused.set(state.paused);
  }
}
