import pg from 'pg';
import type { SessionEnds } from '#libs/contracts';

/** Key of the advisory lock. Any number that nothing else in the database uses. */
const PUBLISHER = '7710162562058289153';
const QUERY_TIMEOUT_MS = 2_000;
/** A publisher that is stuck gives up the lock after this time: it reads several times a second. */
const IDLE_TIMEOUT = '2s';

/** `statement_timestamp()` is taken before the rows are read: what was committed before it is among them. */
const READ = `
  select floor(extract(epoch from statement_timestamp()) * 1000)::float8 as now, e.*
  from (select 1) as one left join (
    select id::text, user_id as "userId", epoch, session_id as "sessionId",
      floor(extract(epoch from ended_at) * 1000)::float8 as "endedAt"
    from session_end order by session_end.id limit $1
  ) as e on true`;

interface Row {
  now: number;
  /** Null if there are no rows. */
  id: string | null;
  userId: string;
  epoch: number | null;
  sessionId: string | null;
  endedAt: number;
}

/** The oldest rows of `session_end`, and when they were read. */
export interface UnpublishedEnds extends SessionEnds {
  ids: string[];
  /** Milliseconds since 1970 by the database's clock. */
  readAt: number;
  endedAt?: number;
}

/**
 * The connection of the process that publishes ended sessions. It holds a lock, so that only one replica does. After any
 * error it is unusable: close it and open another.
 */
export class SessionEndLog {
  private constructor(private readonly client: pg.Client) {}

  static async open(databaseUrl: string): Promise<SessionEndLog> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'session-ends',
      keepAlive: true,
      connectionTimeoutMillis: QUERY_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
    });
    // The next query fails, too, and its error is reported.
    client.on('error', () => undefined);
    try {
      await client.connect();
      // After a crash of the database rows may be published again.
      await client.query(`set synchronous_commit = off; set idle_session_timeout = '${IDLE_TIMEOUT}'`);
    } catch (error) {
      await client.end();
      throw error;
    }
    return new SessionEndLog(client);
  }

  /** Tries to become the only publisher. @returns whether it is */
  async lead(): Promise<boolean> {
    const { rows } = await this.client.query<{ leads: boolean }>('select pg_try_advisory_lock($1) as leads', [
      PUBLISHER,
    ]);
    return rows[0]?.leads === true;
  }

  async read(limit: number): Promise<UnpublishedEnds> {
    const { rows } = await this.client.query<Row>({ name: 'read', text: READ, values: [limit] });
    const ends = rows.filter(({ id }) => id !== null);
    return {
      readAt: rows[0]!.now,
      ids: ends.map(({ id }) => id!),
      epochs: ends.flatMap(({ userId, epoch }) => (epoch === null ? [] : [{ userId, epoch }])),
      sessions: ends.flatMap(({ sessionId }) => (sessionId === null ? [] : [sessionId])),
      ...(ends.length > 0 && { endedAt: Math.min(...ends.map(({ endedAt }) => endedAt)) }),
    };
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.client.query('delete from session_end where id = any($1::bigint[])', [ids]);
  }

  /** Closes the connection and thereby gives up the lock. */
  async close(): Promise<void> {
    // A connection that cannot be closed is closed already.
    await this.client.end().catch(() => undefined);
  }
}
