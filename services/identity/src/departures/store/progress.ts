import { EntityManager } from '@mikro-orm/postgresql';
import type { NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { NATS } from '#libs/broker';
import { departureProgress, Problem, type DepartureEvent } from '#libs/contracts';
import { relationOf, AfterCommit } from '#libs/database';
import { sql } from 'kysely';
import { Notifications } from '../track/notifications.js';

export interface NewProgress extends Pick<DepartureEvent, 'type' | 'data'> {
  departureId: string;
}

/** Successive events of one type and departure. */
interface Run extends NewProgress {
  data: unknown[];
}

const EVENT = { departure_id: 'uuid', n: 'int', count: 'int', type: 'text', data: 'jsonb' };

/** Runs in one answer. A run is what one service has told at once: some dozens of events at most. */
const AT_ONCE = 100;

/** What those who watch a departure get to see, numbered. */
@Injectable()
export class Progress {
  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly em: EntityManager,
    private readonly news: Notifications,
    private readonly afterCommit: AfterCommit,
  ) {}

  /** Notes events in the order given, and wakes the watchers once that is committed. */
  async record(entries: readonly NewProgress[]): Promise<void> {
    if (entries.length === 0) return;
    const db = this.em.getKysely();
    const byDeparture = Map.groupBy(entries, (entry) => entry.departureId);
    const ids = [...byDeparture.keys()];
    const counts = [...byDeparture.values()].map((own) => own.length);
    const { rows } = await sql<{ id: string; events: number }>`
      update departure d set events = d.events + n.count
      from unnest(${ids}::uuid[], ${counts}::int[]) as n (id, count) where d.id = n.id returning d.id, d.events`.execute(
      db,
    );
    const numbered = rows.flatMap(({ id, events }) => {
      const own = byDeparture.get(id)!;
      let n = events - own.length;
      return runsOf(own).map(({ type, data }) => ({
        departure_id: id,
        n: (n += data.length),
        count: data.length,
        type,
        data: data.length === 1 ? data[0] : data,
      }));
    });
    await sql`
      insert into departure_event (departure_id, n, count, type, data)
      select departure_id, n, count, type, data from ${relationOf('e', numbered, EVENT)}`.execute(db);
    for (const status of ['failed', 'cancelled'] as const)
      await this.news.record(`departure.${status}`, departuresThatAre(status, entries));
    this.afterCommit.run(async () => {
      for (const id of ids) this.nats.publish(departureProgress(id));
    });
  }

  /**
   * What came after event number `after`; `final` when nothing will follow.
   * @throws Problem `not-found`, for another account's departure, too
   */
  async since(accountId: string, departureId: string, after: number) {
    const db = this.em.getKysely();
    // First the state: what happens between the two questions is then seen by the second or told as not final.
    const { rows: states } = await sql<{ final: boolean }>`
      select d.status in ('completed', 'superseded', 'cancelled') or d.status = 'failed' and not exists (
        select from departure_service s where s.departure_id = d.id and s.status in ('pending', 'running')) as final
      from departure d where d.id = ${departureId} and d.account_id = ${accountId}`.execute(db);
    if (!states[0]) throw new Problem('not-found');
    const { rows: runs } = await sql<DepartureEvent & { count: number }>`
      select n, count, type, data from departure_event where departure_id = ${departureId} and n > ${after}
      order by n limit ${AT_ONCE}`.execute(db);
    const events = runs.flatMap(eventsIn).filter(({ n }) => n > after);
    return { events, final: states[0].final && runs.length < AT_ONCE };
  }
}

function runsOf(entries: readonly NewProgress[]): Run[] {
  const runs: Run[] = [];
  for (const { departureId, type, data } of entries) {
    const last = runs.at(-1);
    if (last?.type === type) last.data.push(data);
    else runs.push({ departureId, type, data: [data] });
  }
  return runs;
}

function eventsIn({ n, count, type, data }: DepartureEvent & { count: number }): DepartureEvent[] {
  if (count === 1) return [{ n, type, data }];
  return (data as unknown[]).map((one, index) => ({ n: n - count + index + 1, type, data: one }));
}

function departuresThatAre(status: string, entries: readonly NewProgress[]): string[] {
  const these = entries.filter(
    ({ type, data }) => type === 'departure' && (data as { status: string }).status === status,
  );
  return these.map((entry) => entry.departureId);
}
