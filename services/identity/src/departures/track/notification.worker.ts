import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DEPARTURES, Publisher } from '#libs/broker';
import { Log } from '#libs/observability';
import type { CloudEvent, DepartureNews, DepartureNewsType, DepartureTransition } from '#libs/contracts';
import { Clock } from '#libs/database';
import { logDepartures } from '#libs/lifecycle';
import { Worker } from '#libs/jobs';
import { sql } from 'kysely';
import { isoOf } from '../../moments.js';

const AT_ONCE = 500;
/** Milliseconds for which one replica keeps others from the same news; a crash costs that much time. */
const LEASE = 30_000;

interface NotificationRow {
  id: string;
  type: DepartureNewsType;
  at: string;
  departure_id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  effective_at: string;
}

/** Tells what has been noted about departures: at least once, a repetition under the same id. */
@Injectable()
export class NotificationWorker extends Worker {
  constructor(
    private readonly em: EntityManager,
    private readonly publisher: Publisher,
    private readonly clock: Clock,
    log: Log,
  ) {
    super(log);
  }

  protected async step(): Promise<boolean> {
    const rows = await this.claim();
    if (rows.length === 0) return false;
    const messages = rows.map((row) => ({ subject: row.type, id: row.id, data: JSON.stringify(eventOf(row)) }));
    const results = await this.publisher.publishAll(DEPARTURES, messages);
    const told = rows.filter((_, index) => typeof results[index] === 'string').map((row) => row.id);
    await sql`update departure_news set told = true where id = any(${told}::uuid[])`.execute(this.db);
    const toldOf = rows.filter(({ id }) => told.includes(id));
    logDepartures(
      this.log,
      'news of departures',
      toldOf.map(({ departure_id: departureId, type, transition }) => ({ departureId, type, transition })),
    );
    if (told.length < rows.length) throw new Error('the broker did not confirm news of departures');
    return rows.length === AT_ONCE;
  }

  private async claim(): Promise<NotificationRow[]> {
    const now = this.clock.now();
    const { rows } = await sql<NotificationRow>`
      with due as materialized (
        select id from departure_news where not told and look_after <= ${now} order by look_after limit ${AT_ONCE}
        for no key update skip locked
      )
      update departure_news n set look_after = ${new Date(now.getTime() + LEASE)} from due, departure d
      where n.id = due.id and d.id = n.departure_id
      returning n.id, n.type, n.at, n.departure_id, d.account_id, d.user_id, d.transition, d.effective_at`.execute(
      this.db,
    );
    return rows;
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}

function eventOf(row: NotificationRow): CloudEvent<DepartureNews> {
  const { id, type, departure_id: departureId, account_id: accountId, user_id: userId, transition } = row;
  return {
    specversion: '1.0',
    id,
    source: 'urn:leaver:identity',
    type,
    subject: `${accountId}.${userId}`,
    time: isoOf(row.at),
    datacontenttype: 'application/json',
    data: { departureId, accountId, userId, transition, effectiveAt: isoOf(row.effective_at) },
  };
}
