import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureNewsType } from '#libs/contracts';
import { Clock, Ids, AfterCommit } from '#libs/database';
import { sql } from 'kysely';
import { NotificationWorker } from './notification.worker.js';

/** What others get to hear of departures, noted in the transaction in which it happens. */
@Injectable()
export class Notifications {
  constructor(
    private readonly em: EntityManager,
    private readonly worker: NotificationWorker,
    private readonly afterCommit: AfterCommit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** The same of the same departure counts once in a round of retries. */
  async record(type: DepartureNewsType, departureIds: readonly string[]): Promise<void> {
    if (departureIds.length === 0) return;
    const ids = departureIds.map(() => this.ids.next());
    await sql`
      insert into departure_news (departure_id, type, round, id, at)
      select d.id, ${type}, d.round, n.id, ${this.clock.now()}::timestamptz
      from unnest(${ids}::uuid[], ${[...departureIds]}::uuid[]) as n (id, departure_id) join departure d on d.id = n.departure_id
      on conflict do nothing`.execute(this.em.getKysely());
    this.afterCommit.run(async () => this.worker.wake());
  }
}
