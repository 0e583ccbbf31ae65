import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DEPARTURES, Publisher, type MessageToPublish } from '#libs/broker';
import { DEPARTURE_COMPLETED, type CloudEvent } from '#libs/contracts';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { logDepartures } from '#libs/lifecycle';
import { safeErrorFields } from '#libs/observability';
import { sql } from 'kysely';
import { isoOf } from '../../common/moments.js';
import { UserStream } from '../../user/user-stream.js';
import { CLAIM_SIZE, DepartureClaims, type CompletedDeparture, type DueNews } from '../store/departure-claims.js';
import { DepartureSignals } from '../store/departure-signals.js';

/**
 * Publishes what subscribers hear of departures: at least once, a repetition under the same id. Before it says that a
 * deletion is complete, it removes the person's events from the stream: those from before the deletion hold a name.
 */
@Injectable()
export class DeparturePublisher extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly claims: DepartureClaims,
    private readonly publisher: Publisher,
    private readonly stream: UserStream,
    signals: DepartureSignals,
    context: WorkerContext,
  ) {
    super(context, { name: 'departure-events' });
    signals.on('announced', () => this.wake());
  }

  protected async step(): Promise<boolean> {
    const news = await this.claims.news();
    await this.attempt(
      news,
      () => this.publishNews(news),
      () => this.claims.retryNewsLater(news),
    );
    const completed = await this.claims.completed();
    await this.attempt(
      completed,
      () => this.publishCompleted(completed),
      () => this.claims.retryLater(completed),
    );
    return news.length === CLAIM_SIZE || completed.length === CLAIM_SIZE;
  }

  private async attempt(
    due: readonly object[],
    publish: () => Promise<void>,
    retryLater: () => Promise<void>,
  ): Promise<void> {
    if (due.length === 0) return;
    await publish().catch(async (error: unknown) => {
      this.log.warn({ events: due.length, ...safeErrorFields(error) }, 'events of departures are not published yet');
      await retryLater();
    });
  }

  private async publishNews(news: readonly DueNews[]): Promise<void> {
    const published = await this.publish(news, news.map(newsEvent));
    await this.claims.markPublished(published.map(({ id }) => id));
    logDepartures(
      this.log,
      'departures were announced',
      published.map(({ departure_id: departureId, type, transition }) => ({ departureId, type, transition })),
    );
    if (published.length < news.length) throw new UnconfirmedEvents();
  }

  private async publishCompleted(completed: readonly CompletedDeparture[]): Promise<void> {
    await this.stream.purge(completed.filter((departure) => departure.transition === 'deleted'));
    const affected = await this.affectedRows(completed);
    const events = completed.map((departure) => completedEvent(departure, affected.get(departure.id) ?? {}));
    const published = await this.publish(completed, events);
    await this.claims.markAnnounced(published.map(({ id }) => id));
    logDepartures(
      this.log,
      'departures are complete',
      published.map(({ id: departureId, transition }) => ({ departureId, transition })),
    );
    if (published.length < completed.length) throw new UnconfirmedEvents();
  }

  /** @returns those whose event the broker has confirmed */
  private async publish<T>(subjects: readonly T[], events: readonly CloudEvent<object>[]): Promise<T[]> {
    const messages = events.map((event): MessageToPublish => ({
      subject: event.type,
      id: event.id,
      data: JSON.stringify(event),
    }));
    const results = await this.publisher.publishAll(DEPARTURES, messages);
    return subjects.filter((_, index) => typeof results[index] === 'string');
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

/** The broker has not confirmed all of them. */
class UnconfirmedEvents extends Error {}

function newsEvent(row: DueNews) {
  const { departure_id: departureId, account_id: accountId, user_id: userId, transition } = row;
  const data = { departureId, accountId, userId, transition, effectiveAt: isoOf(row.effective_at) };
  return eventOf({ id: row.id, type: row.type, time: isoOf(row.at), data });
}

/** Its id is the departure's, so the broker drops a repetition. */
function completedEvent(departure: CompletedDeparture, affected: Record<string, number>) {
  const { id, account_id: accountId, user_id: userId, transition } = departure;
  const completedAt = isoOf(departure.completed_at);
  const data = { departureId: id, accountId, userId, transition, completedAt, affected };
  return eventOf({ id, type: DEPARTURE_COMPLETED, time: completedAt, data });
}

const eventOf = <T extends { accountId: string; userId: string }>(
  event: Pick<CloudEvent<T>, 'id' | 'time' | 'data'> & { type: string },
): CloudEvent<T> => ({
  specversion: '1.0',
  source: 'urn:leaver:identity',
  subject: `${event.data.accountId}.${event.data.userId}`,
  datacontenttype: 'application/json',
  ...event,
});
