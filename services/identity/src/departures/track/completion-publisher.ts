import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DEPARTURES, Publisher, type MessageToPublish } from '#libs/broker';
import {
  DEPARTURE_COMPLETED,
  type CloudEvent,
  type CompletedDeparture,
  type DepartureTransition,
} from '#libs/contracts';
import { sql } from 'kysely';
import { isoOf } from '../../moments.js';
import { UserStream } from '../../user/user-stream.js';

export interface CompletedRow {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  completed_at: string;
}

/** Tells that departures are complete, and has the broker forget those who have been deleted. */
@Injectable()
export class CompletionPublisher {
  constructor(
    private readonly em: EntityManager,
    private readonly publisher: Publisher,
    private readonly stream: UserStream,
  ) {}

  /** @throws when the broker does not confirm it; nothing is noted then, and all of it may be done again */
  async publish(closed: readonly CompletedRow[]): Promise<void> {
    // Events of before the deletion hold a name.
    await this.stream.purge(closed.filter((departure) => departure.transition === 'deleted'));
    const results = await this.publisher.publishAll(DEPARTURES, await this.messages(closed));
    const told = closed.filter((_, index) => typeof results[index] === 'string').map((departure) => departure.id);
    await sql`update departure set announced = true where id = any(${told}::uuid[])`.execute(this.db);
    if (told.length < closed.length) throw new Error('the broker did not confirm the end of departures');
  }

  private async messages(closed: readonly CompletedRow[]): Promise<MessageToPublish[]> {
    const { rows } = await sql<{ departure_id: string; service: string; affected: number }>`
      select departure_id, service, coalesce((
        select sum((line ->> 'affected')::bigint) from jsonb_array_elements(rules) line), 0)::float8 as affected
      from departure_service where departure_id = any(${closed.map((one) => one.id)}::uuid[])`.execute(this.db);
    const affected = Map.groupBy(rows, (row) => row.departure_id);
    return closed.map((departure) => {
      const services = Object.fromEntries((affected.get(departure.id) ?? []).map((row) => [row.service, row.affected]));
      const event = eventOf(departure, services);
      return { subject: DEPARTURE_COMPLETED, id: event.id, data: JSON.stringify(event) };
    });
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}

/** Its id is the departure's, so that the broker takes a repetition for what it is. */
function eventOf(
  { id, account_id: accountId, user_id: userId, transition, completed_at: at }: CompletedRow,
  affected: Record<string, number>,
): CloudEvent<CompletedDeparture> {
  const completedAt = isoOf(at);
  return {
    specversion: '1.0',
    id,
    source: 'urn:leaver:identity',
    type: DEPARTURE_COMPLETED,
    subject: `${accountId}.${userId}`,
    time: completedAt,
    datacontenttype: 'application/json',
    data: { departureId: id, accountId, userId, transition, completedAt, affected },
  };
}
