import pg from 'pg';
import { OUTBOX_CHANNEL } from './relay-notifier.js';

/** An event that is to be published now. */
export interface ClaimedEvent {
  id: string;
  round: number;
  /** Publications so far, this one included. */
  attempts: number;
  subject: string;
  event: string;
  /** Whether it stays in the outbox until somebody answers. */
  awaited: boolean;
}

/** Any number, as long as nothing else in the database locks the same. */
const LEADER = '7710162562058289152';

const CLAIM = `
  with due as materialized (
    select id from outbox where due_at <= $1 order by due_at, id limit $3 for update skip locked
  )
  update outbox set
    attempts = attempts + 1,
    due_at = $1::timestamptz + ($2::float8[])[least(attempts + 1, cardinality($2::float8[]))] * interval '1 ms'
  from due where outbox.id = due.id
  returning outbox.id, round, attempts, subject, event::text as event, waiting <> '{}' as awaited`;

/** Whoever has claimed or renewed an event in the meantime owns it now: such rows are left alone. */
const STILL_MINE = `
  with mine as materialized (
    select id from outbox
    join unnest($1::uuid[], $2::integer[], $3::integer[]) as claim (id, round, attempts) using (id, round, attempts)
    order by user_id, seq for update of outbox
  )`;
const POSTPONE = `${STILL_MINE}
  update outbox set attempts = attempts - 1, due_at = $4 from mine where outbox.id = mine.id`;
const REMOVE = `${STILL_MINE}
  delete from outbox using mine where outbox.id = mine.id and waiting = '{}'`;

/**
 * A relay's own connection: it holds the lock of the one that leads, listens, and works. All in one, so that a relay that
 * has lost the lock can't go on claiming. After any error it is of no use any more: close it and open another.
 */
export class RelaySession {
  private constructor(private readonly client: pg.Client) {}

  /** @param wake is called when there may be something to do, or the connection broke */
  static async open(databaseUrl: string, wake: () => void): Promise<RelaySession> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'outbox-relay',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
    });
    for (const event of ['error', 'end', 'notification'] as const) client.on(event, wake);
    try {
      await client.connect();
      // What a crash may undo here is only ever published again. And a relay that has gone silent, its machine lost or its
      // process stuck, must not keep the lock: a living one looks every second.
      await client.query(`set synchronous_commit = off; set idle_session_timeout = '30s'`);
    } catch (error) {
      await client.end();
      throw error;
    }
    return new RelaySession(client);
  }

  /** Whether this is now the one relay of the database; if so, it listens. */
  async lead(): Promise<boolean> {
    // Waiting inside the database for the lock would be quicker, but hold back vacuum as long as it takes.
    const { rows } = await this.client.query<{ leads: boolean }>('select pg_try_advisory_lock($1) as leads', [LEADER]);
    const leads = rows[0]?.leads === true;
    if (leads) await this.client.query(`listen ${OUTBOX_CHANNEL}`);
    return leads;
  }

  /**
   * Takes the events that have been due longest, and gives them in the order in which they happened. Committed on return:
   * if nothing else is done about them, they become due again.
   * @param delays milliseconds until then, after the first, second, … publication; the last one holds for all further ones
   */
  async claim(now: Date, delays: readonly number[], limit: number): Promise<ClaimedEvent[]> {
    const { rows } = await this.client.query<ClaimedEvent>({
      name: 'claim',
      text: CLAIM,
      values: [now, delays, limit],
    });
    return rows.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** For what was not published: it becomes due then, as if it had not been claimed. */
  async postpone(events: readonly ClaimedEvent[], dueAt: Date): Promise<void> {
    if (events.length > 0) await this.client.query(POSTPONE, [...keysOf(events), dueAt]);
  }

  /** For what has been published and waits for nobody. */
  async remove(events: readonly ClaimedEvent[]): Promise<void> {
    if (events.length > 0) await this.client.query(REMOVE, keysOf(events));
  }

  /** Ends the connection, and with it the lead. */
  async close(): Promise<void> {
    // A connection that cannot be ended has ended already.
    await this.client.end().catch(() => undefined);
  }
}

const keysOf = (events: readonly ClaimedEvent[]) => [
  events.map(({ id }) => id),
  events.map(({ round }) => round),
  events.map(({ attempts }) => attempts),
];
