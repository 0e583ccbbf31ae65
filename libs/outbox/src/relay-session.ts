import pg from 'pg';
import { OUTBOX_CHANNEL } from './relay-notifier.js';

/** An event to publish now. */
export interface ClaimedEvent {
  id: string;
  round: number;
  /** Number of publications, including this one. */
  attempts: number;
  subject: string;
  event: string;
  /** Whether it stays in the outbox until services acknowledge it. */
  awaited: boolean;
}

const ANSWER_MS = 10_000;

/** Key of the advisory lock. Any number that nothing else in the database uses. */
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

/** Leaves rows alone that another relay has claimed, or a retry has replaced, in the meantime. */
const STILL_MINE = `
  with mine as materialized (
    select id from outbox
    join unnest($1::uuid[], $2::integer[], $3::integer[]) as claim (id, round, attempts) using (id, round, attempts)
    order by user_id, seq for update of outbox
  )`;
const POSTPONE = `${STILL_MINE}
  update outbox set attempts = attempts - 1, due_at = $4 from mine where outbox.id = mine.id`;
/** What lies further ahead than its delay allows was put off by a clock that was ahead, give or take a minute. */
const RECOVER = `
  update outbox set due_at = $1
  where due_at > $1::timestamptz
    + (($2::float8[])[least(greatest(attempts, 1), cardinality($2::float8[]))] + 60000) * interval '1 ms'`;
const REMOVE = `${STILL_MINE}
  delete from outbox using mine where outbox.id = mine.id and waiting = '{}'`;

/**
 * The relay's own connection, which holds the leader lock, listens and works. All use one connection, so that a relay
 * that has lost the lock cannot go on claiming. After any error it is unusable: close it and open another.
 */
export class RelaySession {
  private constructor(private readonly client: pg.Client) {}

  /**
   * @param wake called when there may be work, or when the connection broke
   * @param answerMs milliseconds after which a statement without an answer fails
   */
  static async open(databaseUrl: string, wake: () => void, { answerMs = ANSWER_MS } = {}): Promise<RelaySession> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'outbox-relay',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: answerMs,
      // The server ends what the client has given up.
      statement_timeout: answerMs,
    });
    for (const event of ['error', 'end', 'notification'] as const) client.on(event, wake);
    try {
      await client.connect();
      // A crash may undo what this connection committed last; the events are then published again. A silent relay,
      // because its machine or process is stuck, must not keep the lock: a live one polls every second.
      await client.query(`set synchronous_commit = off; set idle_session_timeout = '30s'`);
    } catch (error) {
      await client.end();
      throw error;
    }
    return new RelaySession(client);
  }

  /** Tries to become the leader. @returns whether it is the leader now; if so, it listens for notifications */
  async lead(): Promise<boolean> {
    // Waiting for the lock inside the database would be quicker, but would hold back vacuum meanwhile.
    const { rows } = await this.client.query<{ leads: boolean }>('select pg_try_advisory_lock($1) as leads', [LEADER]);
    const leads = rows[0]?.leads === true;
    if (leads) await this.client.query(`listen ${OUTBOX_CHANNEL}`);
    return leads;
  }

  /**
   * Claims the events that have been due longest and returns them in the order in which they happened. Committed on
   * return: an event that is not published becomes due again.
   * @param delays milliseconds until then, by the number of publications; the last one repeats
   */
  async claim(now: Date, delays: readonly number[], limit: number): Promise<ClaimedEvent[]> {
    const { rows } = await this.client.query<ClaimedEvent>({
      name: 'claim',
      text: CLAIM,
      values: [now, delays, limit],
    });
    return rows.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /**
   * Events that wait for a time to which a clock that was ahead has put them off become due now.
   * @param delays the longest ones that `claim` was ever given
   */
  async recover(now: Date, delays: readonly number[]): Promise<void> {
    await this.client.query(RECOVER, [now, delays]);
  }

  /** Makes events due at `dueAt` as if they had not been claimed, because they were not published. */
  async postpone(events: readonly ClaimedEvent[], dueAt: Date): Promise<void> {
    if (events.length > 0) await this.client.query(POSTPONE, [...keysOf(events), dueAt]);
  }

  /** Deletes published events that need no acknowledgement. */
  async remove(events: readonly ClaimedEvent[]): Promise<void> {
    if (events.length > 0) await this.client.query(REMOVE, keysOf(events));
  }

  /** Closes the connection and thereby gives up the leader lock. */
  async close(): Promise<void> {
    // A connection that cannot be closed is closed already.
    await this.client.end().catch(() => undefined);
  }
}

const keysOf = (events: readonly ClaimedEvent[]) => [
  events.map(({ id }) => id),
  events.map(({ round }) => round),
  events.map(({ attempts }) => attempts),
];
