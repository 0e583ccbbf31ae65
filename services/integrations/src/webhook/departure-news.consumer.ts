import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { BatchPattern, DEPARTURES, type Delivery, type Outcome } from '#libs/broker';
import { Log } from '#libs/observability';
import {
  ANY_DEPARTURE_EVENT,
  DEPARTURE_COMPLETED,
  DEPARTURE_NEWS,
  FORMER_DEPARTURE_EVENTS,
  type CloudEvent,
  type CompletedDeparture,
  type DepartureNews,
} from '#libs/contracts';
import { Deliveries } from './deliveries.js';

type News = CloudEvent<DepartureNews | CompletedDeparture>;

const TYPES: readonly string[] = [...DEPARTURE_NEWS, DEPARTURE_COMPLETED];

/** Queues identity's departure events for the webhooks that subscribed to them. */
@Controller()
export class DepartureNewsConsumer {
  constructor(
    private readonly em: EntityManager,
    private readonly deliveries: Deliveries,
    private readonly log: Log,
  ) {}

  @BatchPattern({ stream: DEPARTURES, filter: ANY_DEPARTURE_EVENT, durable: 'integrations-departure-events' })
  handle(batch: Delivery[]): Promise<Outcome[]> {
    return this.queue(batch);
  }

  /**
   * A consumer of its own: one whose filter is changed skips what is in the stream already, and a replica of 0.1 could not
   * change it back.
   */
  @BatchPattern({ stream: DEPARTURES, filter: FORMER_DEPARTURE_EVENTS, durable: 'integrations-departures' })
  handleFormer(batch: Delivery[]): Promise<Outcome[]> {
    return this.queue(batch);
  }

  private async queue(batch: Delivery[]): Promise<Outcome[]> {
    const news = batch.map(decode);
    const unreadable = news.filter((one) => !one).length;
    if (unreadable > 0) this.log.error({ messages: unreadable }, 'undecodable departure events');
    await this.em
      .fork()
      .transactional(() => this.deliveries.announceDepartures(news.filter((one) => one !== undefined)));
    return news.map((one) => (one ? 'ack' : { term: 'undecodable' }));
  }
}

function decode({ data }: Delivery): News | undefined {
  try {
    const event = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)) as News;
    return TYPES.includes(event.type) && event.id && event.data.accountId ? event : undefined;
  } catch {
    return undefined;
  }
}
