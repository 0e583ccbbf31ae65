import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { userSubject, type UserEvent } from '#libs/contracts';
import { Clock, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { RelayNotifier } from './relay-notifier.js';

export interface OutboxEntry {
  event: UserEvent;
  /** The services that have to acknowledge the event. Without any it is published once. */
  targets: readonly string[];
}

/** A service's statement that it has done everything that an event requires. */
export interface Acknowledgement {
  userId: string;
  seq: number;
  service: string;
  /** The round of retries that it acknowledges; 0 without a departure. */
  round: number;
}

/** An event that services have not acknowledged. */
export interface WaitingEvent {
  userId: string;
  seq: number;
  services: string[];
  /** How often it has been published. */
  attempts: number;
  /** When it is published again, in PostgreSQL's text format. Null: now. */
  dueAt: string | null;
}

export interface Backlog {
  /** Events that at least one service has not acknowledged, or that wait for their first publication. */
  waiting: number;
  /** Age of the oldest of them in seconds; 0 if there are none. */
  oldestSeconds: number;
}

/**
 * The transactional outbox. Events are written in the deciding transaction and stay until every service they concern
 * has acknowledged them.
 */
@Injectable()
export class Outbox {
  private readonly notifier: RelayNotifier;

  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {
    this.notifier = new RelayNotifier(em);
  }

  /**
   * Writes events in the running transaction; they are published after the commit. Uses one statement for any number of
   * events.
   */
  async append(entries: readonly OutboxEntry[]): Promise<void> {
    await this.insert(entries, sql``);
  }

  /**
   * Publishes events once more, for a retry: immediately, then as often as a new one. It replaces a waiting event of
   * the same user and seq, if there is one.
   * @param entries with a higher `departure.round` than before; the broker would drop a repeated round as a duplicate
   */
  async republish(entries: readonly OutboxEntry[]): Promise<void> {
    await this.insert(
      entries,
      sql`on conflict (user_id, seq) do update set
        id = excluded.id, round = excluded.round, subject = excluded.subject, event = excluded.event,
        waiting = excluded.waiting, attempts = excluded.attempts, due_at = excluded.due_at`,
    );
  }

  private async insert(entries: readonly OutboxEntry[], onConflict: ReturnType<typeof sql>): Promise<void> {
    if (entries.length === 0) return;
    await sql`
      insert into outbox (id, account_id, user_id, seq, round, subject, event, waiting, created_at)
      select id, account_id, user_id, seq, round, subject, event, string_to_array(waiting, ' '), ${this.clock.now()}
      from ${relationOf('entry', entries.map(toRow), ENTRY)}
      order by user_id, seq
      ${onConflict}`.execute(this.em.getKysely());
    await this.notifier.afterCommit();
  }

  /**
   * Records acknowledgements. One of an earlier round than the event's, or for an unknown event, changes nothing.
   * @returns the events that all services have acknowledged; they are deleted
   */
  async acknowledge(answers: readonly Acknowledgement[]): Promise<{ userId: string; seq: number }[]> {
    if (answers.length === 0) return [];
    // Locks rows in the order that all multi-row statements on this table keep, and reads them as locked.
    const { rows } = await sql<{ userId: string; seq: string }>`
      with answer as materialized (
        select * from ${relationOf('answer', answers, ANSWER)}
      ), held as materialized (
        select id, user_id, seq, round, waiting from outbox
        where (user_id, seq) in (select "userId", seq from answer)
        order by user_id, seq for update
      ), rest as materialized (
        select held.id, array(select unnest(held.waiting) except select unnest(array_agg(answer.service))) as waiting
        from held join answer on answer."userId" = held.user_id and answer.seq = held.seq and answer.round >= held.round
        where answer.service = any(held.waiting)
        group by held.id, held.waiting
      ), fewer as (
        update outbox set waiting = rest.waiting from rest where outbox.id = rest.id and rest.waiting <> '{}'
      )
      delete from outbox using rest where outbox.id = rest.id and rest.waiting = '{}'
      returning outbox.user_id as "userId", outbox.seq`.execute(this.em.getKysely());
    return rows.map(({ userId, seq }) => ({ userId, seq: Number(seq) }));
  }

  /** Those of these events that services have not acknowledged. */
  async waiting(events: readonly { userId: string; seq: number }[]): Promise<WaitingEvent[]> {
    if (events.length === 0) return [];
    const { rows } = await sql<WaitingEvent>`
      select o.user_id as "userId", o.seq::float8, o.waiting as services, o.attempts,
        nullif(o.due_at, '-infinity') as "dueAt"
      from outbox o join ${relationOf('e', events, { userId: 'uuid', seq: 'bigint' })}
        on o.user_id = e."userId" and o.seq = e.seq`.execute(this.em.getKysely());
    return rows;
  }

  /** No event waits for this service any more. */
  async release(service: string): Promise<void> {
    await sql`
      with held as materialized (
        select id from outbox where ${service} = any(waiting) order by user_id, seq for update
      ), fewer as (
        update outbox o set waiting = array_remove(waiting, ${service}) from held
        where o.id = held.id and (waiting <> array[${service}]::text[] or attempts = 0)
      )
      delete from outbox o using held where o.id = held.id and waiting = array[${service}]::text[] and attempts > 0`.execute(
      this.em.getKysely(),
    );
  }

  /** Publishes the events that wait for this service at once, so that it answers them again. */
  async repeat(service: string): Promise<void> {
    await sql`
      with held as materialized (
        select id from outbox where ${service} = any(waiting) order by user_id, seq for update
      )
      update outbox o set due_at = '-infinity' from held where o.id = held.id`.execute(this.em.getKysely());
    await this.notifier.afterCommit();
  }

  /** For metrics. Reads committed data and needs no request context. */
  async backlog(): Promise<Backlog> {
    const { rows } = await sql<{ waiting: number; oldestSeconds: number }>`
      select count(*)::int as waiting,
        coalesce(greatest(extract(epoch from ${this.clock.now()}::timestamptz - min(created_at)), 0), 0)::float8 as "oldestSeconds"
      from outbox`.execute(this.em.fork().getKysely());
    return rows[0]!;
  }
}

const ENTRY = {
  id: 'uuid',
  account_id: 'uuid',
  user_id: 'uuid',
  seq: 'bigint',
  round: 'integer',
  subject: 'text',
  event: 'json',
  waiting: 'text',
};
const ANSWER = { userId: 'uuid', seq: 'bigint', service: 'text', round: 'integer' };

function toRow({ event, targets }: OutboxEntry) {
  const { accountId, userId, seq, departure } = event.data;
  return {
    id: event.id,
    account_id: accountId,
    user_id: userId,
    seq,
    round: departure?.round ?? 0,
    subject: userSubject(event.type, accountId, userId),
    event,
    waiting: targets.join(' '),
  };
}
