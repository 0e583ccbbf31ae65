import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/database';
import { Metrics } from '#libs/observability';
import { sql } from 'kysely';

/** Counts stop here: a measurement must not read a whole table. */
const MOST = 100_000;
/** The number of oldest open departures whose services are counted. */
const MOST_ASKED_FOR = 10_000;

/** Metrics about open and failed departures, and the services that have not finished them. */
@Injectable()
export class DepartureMetrics {
  private readonly open;
  private readonly oldest;
  private readonly failed;
  private readonly pending;
  private readonly due;
  private readonly repeated;

  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.open = metrics.gauge('leaver_departures_open', 'Departures that at least one service has not finished.');
    this.oldest = metrics.gauge('leaver_departure_oldest_seconds', 'Age of the oldest open departure.');
    this.failed = metrics.gauge('leaver_departures_failed', 'Departures that failed and wait for a retry.');
    this.pending = metrics.gauge('leaver_receipts_pending', 'Open departures that a service has not finished.', [
      'participant',
    ]);
    this.due = metrics.gauge('leaver_outbox_due', 'Events that are due to be published.');
    this.repeated = metrics.gauge(
      'leaver_outbox_repeated',
      'Unanswered events that have been published more than once.',
    );
    metrics.measured(() => this.measure());
  }

  private async measure(): Promise<void> {
    const db = this.em.fork().getKysely();
    const now = this.clock.now();
    const { rows } = await sql<{
      open: number;
      oldest: number | null;
      failed: number;
      due: number;
      repeated: number;
    }>`
      with open as (select effective_at from departure where status = 'running' order by effective_at limit ${MOST}),
        failed as (select from departure where status = 'failed' limit ${MOST}),
        waiting as (select due_at, attempts from outbox order by due_at limit ${MOST})
      select (select count(*) from open)::int as open,
        (select greatest(extract(epoch from ${now}::timestamptz - min(effective_at)), 0) from open)::float8 as oldest,
        (select count(*) from failed)::int as failed,
        (select count(*) from waiting where due_at <= ${now})::int as due,
        (select count(*) from waiting where attempts > 1)::int as repeated`.execute(db);
    const state = rows[0]!;
    this.open.set(state.open);
    this.oldest.set(state.oldest ?? 0);
    this.failed.set(state.failed);
    this.due.set(state.due);
    this.repeated.set(state.repeated);
    await this.measureServices();
  }

  private async measureServices(): Promise<void> {
    const { rows } = await sql<{ service: string; pending: number }>`
      select s.service, count(*)::int as pending
      from (select id from departure where status = 'running' order by effective_at limit ${MOST_ASKED_FOR}) d
      join departure_service s on s.departure_id = d.id
      where s.status in ('pending', 'running') group by s.service`.execute(this.em.fork().getKysely());
    this.pending.reset();
    for (const { service, pending } of rows) this.pending.set({ participant: service }, pending);
  }
}
