import { Injectable } from '@nestjs/common';
import { DEPARTURES, Publisher, type MessageToPublish } from '#libs/broker';
import { DEPARTURE_COMPLETED, type CloudEvent } from '#libs/contracts';
import { isoOf } from '../../common/moments.js';
import type { CompletedDeparture, DueNews } from '../store/departure-claims.js';

/** The broker has not confirmed every event. */
export class UnconfirmedEvents extends Error {}

/** Publishes notifications about departures, at least once. A repetition has the same id. */
@Injectable()
export class DepartureEvents {
  constructor(private readonly publisher: Publisher) {}

  /** @returns the subjects whose event the broker has confirmed */
  async publish<T>(subjects: readonly T[], eventOf: (subject: T) => CloudEvent<object>): Promise<T[]> {
    const messages = subjects.map(eventOf).map((event): MessageToPublish => ({
      subject: event.type,
      id: event.id,
      data: JSON.stringify(event),
    }));
    const results = await this.publisher.publishAll(DEPARTURES, messages);
    return subjects.filter((_, index) => typeof results[index] === 'string');
  }
}

export function newsEvent(row: DueNews) {
  const { departure_id: departureId, account_id: accountId, user_id: userId, transition } = row;
  const data = { departureId, accountId, userId, transition, effectiveAt: isoOf(row.effective_at) };
  return eventOf({ id: row.id, type: row.type, time: isoOf(row.at), data });
}

/**
 * Its id is the departure's, so the broker drops a repetition.
 * @param affected rows that were changed, by service
 */
export function completedEvent(departure: CompletedDeparture, affected: Record<string, number>) {
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
