import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ListQuery, Page, Principal, Session, SessionSnapshot } from '#libs/contracts';
import { Clock, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
import { ACCESS_TOKEN_LIFE } from '../common/token-life.js';
import { isoOf } from '../common/moments.js';

interface SessionRow {
  id: string;
  ip: string | null;
  user_agent: string | null;
  created_at: string;
  last_used_at: string;
  expires_at: string;
}

interface Ending {
  at: string;
  key: string;
  /** Null for a session that ended alone. */
  epoch: number | null;
}

const AT_ONCE = 5_000;
/** Milliseconds that a transaction may take from choosing its time to being seen; and more. */
const OVERLAP = 60_000;
const NO_KEY = '00000000-0000-0000-0000-000000000000';

/** Reads sessions. */
@Injectable()
export class SessionList {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** The sessions that go on, of whoever asks. */
  async page(principal: Principal, query: ListQuery): Promise<Page<Session>> {
    const { limit, before } = pageWindow(query);
    const { rows } = await sql<SessionRow>`
      select id, ip, user_agent, created_at, last_used_at, expires_at from session
      where user_id = ${principal.userId} and revoked_at is null and expires_at > ${this.clock.now()}
        and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${limit + 1}`.execute(this.em.getKysely());
    const sessions = rows.map((row) => ({
      id: row.id,
      createdAt: isoOf(row.created_at),
      lastUsedAt: isoOf(row.last_used_at),
      expiresAt: isoOf(row.expires_at),
      ip: row.ip,
      userAgent: row.user_agent,
      current: row.id === principal.sessionId,
    }));
    return toPage(sessions, query);
  }

  /**
   * What ended since then. Before it came to its end an answer's `at` is the exact place; at the end it goes back a little,
   * because a transaction that ended sessions may become visible after a later one.
   */
  async snapshot(since: string | null): Promise<SessionSnapshot> {
    const started = this.clock.millis();
    const from = since ? readPlace(since) : { at: isoAt(started - 2 * ACCESS_TOKEN_LIFE * 1_000), key: NO_KEY };
    const { rows } = await sql<Ending>`
      select * from (
        (select session_epoch_at as at, id::uuid as key, session_epoch as epoch from users
          where session_epoch_at is not null and (session_epoch_at, id) > (${from.at}::timestamptz, ${from.key}::uuid)
          order by session_epoch_at, id limit ${AT_ONCE})
        union all
        (select revoked_at, id, null from session
          where revoked_alone and (revoked_at, id) > (${from.at}::timestamptz, ${from.key}::uuid)
          order by revoked_at, id limit ${AT_ONCE})
      ) endings order by at, key limit ${AT_ONCE}`.execute(this.em.getKysely());
    const more = rows.length === AT_ONCE;
    return {
      epochs: rows.flatMap(({ key, epoch }) => (epoch === null ? [] : [{ userId: key, epoch }])),
      sessions: rows.flatMap(({ key, epoch }) => (epoch === null ? [key] : [])),
      at: writePlace(more ? rows.at(-1)! : { at: isoAt(started - OVERLAP), key: NO_KEY }),
      more,
    };
  }
}

const isoAt = (millis: number): string => new Date(millis).toISOString();

type Place = Pick<Ending, 'at' | 'key'>;

const writePlace = ({ at, key }: Place): string => `${isoOf(at)} ${key}`;

function readPlace(text: string): Place {
  const [at, key] = text.split(' ');
  return { at: at!, key: key ?? NO_KEY };
}
