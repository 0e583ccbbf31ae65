import { Injectable } from '@nestjs/common';
import { BatchWorker, WorkerContext } from '#libs/jobs';
import { logDepartures } from '#libs/lifecycle';
import { DepartureClaims, LEASE_MS, RETRY, type DueNews } from '../store/departure-claims.js';
import { DepartureSignals } from '../store/departure-signals.js';
import { DepartureEvents, newsEvent, UnconfirmedEvents } from './departure-events.js';

/** Publishes the notifications of departures, except `departure.completed`. */
@Injectable()
export class DepartureNewsWorker extends BatchWorker<DueNews> {
  constructor(
    private readonly claims: DepartureClaims,
    private readonly events: DepartureEvents,
    signals: DepartureSignals,
    context: WorkerContext,
  ) {
    super(context, { name: 'departure-news', batchSize: 500, leaseMs: LEASE_MS, retry: RETRY });
    signals.on('announced', () => this.wake());
  }

  protected override claim(limit: number): Promise<DueNews[]> {
    return this.claims.news(limit, this.leaseUntil());
  }

  protected override async run(news: readonly DueNews[]): Promise<void> {
    const published = await this.events.publish(news, newsEvent);
    await this.claims.markPublished(published);
    const facts = published.map(({ departure_id: departureId, type, transition }) => ({
      departureId,
      type,
      transition,
    }));
    logDepartures(this.log, 'published departure notifications', facts);
    if (published.length < news.length) throw new UnconfirmedEvents();
  }

  protected override async failed(news: readonly DueNews[]): Promise<Date> {
    const retryAt = this.retryAt(0)!;
    await this.claims.retryNewsAt(news, retryAt);
    return retryAt;
  }

  protected override about(news: readonly DueNews[]): object {
    return { events: news.length };
  }
}
