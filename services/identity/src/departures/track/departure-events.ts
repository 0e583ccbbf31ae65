import { Injectable } from '@nestjs/common';
import { DEPARTURES, Publisher, type MessageToPublish } from '#libs/broker';
import {
  dataSchema,
  DEPARTURE_COMPLETED,
  departureSubject,
  type CloudEvent,
  type CompletedDeparture as CompletedData,
  type DepartureEventType,
  type DepartureNews,
  type EventDataName,
} from '#libs/contracts';
import { isoOf } from '../../common/moments.js';
import type { CompletedDeparture, DueNews } from '../store/departure-claims.js';

/** The broker has not confirmed every event. */
export class UnconfirmedEvents extends Error {}

type DepartureEvent = CloudEvent<DepartureNews | CompletedData> & { type: DepartureEventType };

/** Publishes notifications about departures, at least once. A repetition has the same id. */
@Injectable()
export class DepartureEvents {
  constructor(private readonly publisher: Publisher) {}

  /** @returns the departures or notifications whose event the broker has confirmed */
  async publish<T>(items: readonly T[], eventOf: (item: T) => DepartureEvent): Promise<T[]> {
    const messages = items.map(eventOf).map(({ type, ...event }): MessageToPublish => ({
      subject: departureSubject(type, event.data.accountId, event.data.userId),
      id: event.id,
      data: JSON.stringify({ type, ...event }),
    }));
    const results = await this.publisher.publishAll(DEPARTURES, messages);
    return items.filter((_, index) => typeof results[index] === 'string');
  }
}

export function newsEvent(row: DueNews) {
  const { departure_id: departureId, account_id: accountId, user_id: userId, transition, approval } = row;
  const data = {
    ...{ departureId, accountId, userId, transition },
    effectiveAt: isoOf(row.effective_at),
    ...(approval && { approval: { ...approval, expiresAt: isoOf(approval.expiresAt) } }),
  };
  return eventOf('DepartureNews', { id: row.id, type: row.type, time: isoOf(row.at), data });
}

/**
 * Its id is the departure's, so the broker drops a repetition.
 * @param affected rows that were changed, by service
 */
export function completedEvent(departure: CompletedDeparture, affected: Record<string, number>) {
  const { id, account_id: accountId, user_id: userId, transition } = departure;
  const completedAt = isoOf(departure.completed_at);
  const data = { departureId: id, accountId, userId, transition, completedAt, affected };
  return eventOf('CompletedDeparture', { id, type: DEPARTURE_COMPLETED, time: completedAt, data });
}

const eventOf = <T extends { accountId: string; userId: string }, Type extends DepartureEventType>(
  schema: EventDataName,
  event: Pick<CloudEvent<T>, 'id' | 'time' | 'data'> & { type: Type },
): CloudEvent<T> & { type: Type } => ({
  specversion: '1.0',
  source: 'urn:leaver:identity',
  subject: `${event.data.accountId}.${event.data.userId}`,
  datacontenttype: 'application/json',
  dataschema: dataSchema(schema),
  ...event,
});
