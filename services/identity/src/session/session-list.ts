import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  ACCESS_TOKEN_LIFETIME_S,
  type ListQuery,
  type Page,
  type Principal,
  type Session,
  type SessionSnapshot,
} from '#libs/contracts';
import { Clock, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
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
  /** Null for a single session that ended. */
  epoch: number | null;
}

const PAGE_SIZE = 5_000;
/** Upper limit of the time between choosing the time of a change and its commit. */
const OVERLAP_MS = 60_000;
const MIN_KEY = '00000000-0000-0000-0000-000000000000';

/** Reads sessions. */
@Injectable()
export class SessionList {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** Returns the caller's open sessions. */
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
   * Returns the epochs and sessions that ended after `since`, in pages. If there are more, `at` is the exact position.
   * On the last page it is a minute before the call, because a transaction can become visible after one with a later
   * time.
   * @param since the `at` of the previous answer; null for everything that can concern a token that is still valid
   */
  async snapshot(since: string | null): Promise<SessionSnapshot> {
    const started = this.clock.millis();
    const time = await this.databaseTime();
    const from = since
      ? parsePosition(since)
      : { at: isoAt(started - 2 * ACCESS_TOKEN_LIFETIME_S * 1_000), key: MIN_KEY };
    const { rows } = await sql<Ending>`
      select * from (
        (select session_epoch_at as at, id::uuid as key, session_epoch as epoch from users
          where session_epoch_at is not null and (session_epoch_at, id) > (${from.at}::timestamptz, ${from.key}::uuid)
          order by session_epoch_at, id limit ${PAGE_SIZE})
        union all
        (select revoked_at, id, null from session
          where revoked_alone and (revoked_at, id) > (${from.at}::timestamptz, ${from.key}::uuid)
          order by revoked_at, id limit ${PAGE_SIZE})
      ) endings order by at, key limit ${PAGE_SIZE}`.execute(this.em.getKysely());
    const more = rows.length === PAGE_SIZE;
    return {
      time,
      epochs: rows.flatMap(({ key, epoch }) => (epoch === null ? [] : [{ userId: key, epoch }])),
      sessions: rows.flatMap(({ key, epoch }) => (epoch === null ? [key] : [])),
      at: formatPosition(more ? rows.at(-1)! : { at: isoAt(started - OVERLAP_MS), key: MIN_KEY }),
      more,
    };
  }

  /** By the clock that also dates the messages of `SessionEndFeed`; those of the replicas may differ. */
  private async databaseTime(): Promise<number> {
    const { rows } = await sql<{ now: number }>`
      select floor(extract(epoch from statement_timestamp()) * 1000)::float8 as now`.execute(this.em.getKysely());
    return rows[0]!.now;
  }
}

const isoAt = (millis: number): string => new Date(millis).toISOString();

type Position = Pick<Ending, 'at' | 'key'>;

const formatPosition = ({ at, key }: Position): string => `${isoOf(at)} ${key}`;

function parsePosition(text: string): Position {
  const [at, key] = text.split(' ');
  return { at: at!, key: key ?? MIN_KEY };
}
