import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type DepartureEvent } from '#libs/contracts';
import { sql } from 'kysely';

type EventRun = DepartureEvent & { count: number };

/** Rows per answer. A row holds the events that a service reported together: a few dozen at most. */
const ROWS_PER_ANSWER = 100;

/** Reads the progress events of a departure. */
@Injectable()
export class Progress {
  constructor(private readonly em: EntityManager) {}

  /**
   * The events after number `after`; `final` is true if no more will follow.
   * @throws Problem `not-found`, also for another account's departure
   */
  async since(accountId: string, departureId: string, after: number) {
    const db = this.em.getKysely();
    // The status is read first, so that the answer is final only if the second query sees all events.
    const { rows: states } = await sql<{ final: boolean }>`
      select d.status in ('completed', 'superseded', 'cancelled') or d.status = 'failed' and not exists (
        select from departure_service s where s.departure_id = d.id and s.status in ('pending', 'running')) as final
      from departure d where d.id = ${departureId} and d.account_id = ${accountId}`.execute(db);
    if (!states[0]) throw new Problem('not-found');
    const { rows: runs } = await sql<EventRun>`
      select n, count, type, data from departure_event where departure_id = ${departureId} and n > ${after}
      order by n limit ${ROWS_PER_ANSWER}`.execute(db);
    const events = runs.flatMap(eventsIn).filter(({ n }) => n > after);
    return { events, final: states[0].final && runs.length < ROWS_PER_ANSWER };
  }
}

function eventsIn({ n, count, type, data }: EventRun): DepartureEvent[] {
  if (count === 1) return [{ n, type, data }];
  return (data as unknown[]).map((one, index) => ({ n: n - count + index + 1, type, data: one }));
}
