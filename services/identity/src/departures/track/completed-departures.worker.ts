import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { BatchWorker, WorkerContext } from '#libs/jobs';
import { logDepartures } from '#libs/lifecycle';
import { sql } from 'kysely';
import { DepartureClaims, LEASE_MS, RETRY, type CompletedDeparture } from '../store/departure-claims.js';
import { DepartureSignals } from '../store/departure-signals.js';
import { completedEvent, DepartureEvents, UnconfirmedEvents } from './departure-events.js';
import { Tombstones } from './tombstones.js';

/**
 * Publishes `departure.completed`. Before that it replaces the events of deleted users in the stream with tombstones, because
 * earlier ones contain names.
 */
@Injectable()
export class CompletedDeparturesWorker extends BatchWorker<CompletedDeparture> {
  constructor(
    private readonly em: EntityManager,
    private readonly claims: DepartureClaims,
    private readonly events: DepartureEvents,
    private readonly tombstones: Tombstones,
    signals: DepartureSignals,
    context: WorkerContext,
  ) {
    super(context, { name: 'completed-departures', batchSize: 500, leaseMs: LEASE_MS, retry: RETRY });
    signals.on('announced', () => this.wake());
  }

  protected override claim(limit: number): Promise<CompletedDeparture[]> {
    return this.claims.completed(limit, this.leaseUntil());
  }

  protected override async run(completed: readonly CompletedDeparture[]): Promise<void> {
    const deletions = completed.filter((departure) => departure.transition === 'deleted');
    await this.tombstones.leave(deletions.map(({ id }) => id));
    const affected = await this.affectedRows(completed);
    const eventOf = (departure: CompletedDeparture) => completedEvent(departure, affected.get(departure.id) ?? {});
    const published = await this.events.publish(completed, eventOf);
    await this.claims.markAnnounced(published);
    const facts = published.map(({ id: departureId, transition }) => ({ departureId, transition }));
    logDepartures(this.log, 'departures completed', facts);
    if (published.length < completed.length) throw new UnconfirmedEvents();
  }

  protected override async failed(completed: readonly CompletedDeparture[]): Promise<Date> {
    const retryAt = this.retryAt(0)!;
    await this.claims.retryAt(completed, retryAt);
    return retryAt;
  }

  protected override about(completed: readonly CompletedDeparture[]): object {
    return { departures: completed.length };
  }

  /** Rows that each service changed, by departure and service. */
  private async affectedRows(completed: readonly CompletedDeparture[]): Promise<Map<string, Record<string, number>>> {
    const { rows } = await sql<{ departure_id: string; service: string; affected: number }>`
      select departure_id, service, coalesce((
        select sum((line ->> 'affected')::bigint) from jsonb_array_elements(rules) line), 0)::float8 as affected
      from departure_service where departure_id = any(${completed.map((one) => one.id)}::uuid[])`.execute(
      this.em.fork().getKysely(),
    );
    return new Map(
      [...Map.groupBy(rows, (row) => row.departure_id)].map(([id, its]) => [
        id,
        Object.fromEntries(its.map((row) => [row.service, row.affected])),
      ]),
    );
  }
}
