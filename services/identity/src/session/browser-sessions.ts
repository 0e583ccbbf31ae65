import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { SESSION_LIFETIME_S, type ExchangedSession } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { nextRefreshToken, parseRefreshToken, type RefreshToken } from './refresh-token.js';
import { Sessions } from './sessions.js';

/** How long a secret is used before the next one. */
const ROTATED_AFTER_MS = 10 * 60_000;
/** How long requests that were under way may use the former secret after the next one has arrived. */
const GRACE_MS = 60_000;

interface BrowserSessionRow {
  id: string;
  user_id: string;
  account_id: string;
  /** Which of its secrets was given; null for none of them. */
  given: 'current' | 'previous' | null;
  /** When the current secret was issued, and first used. */
  issued_at: string;
  confirmed_at: string | null;
}

/** Sessions of browsers: a secret in a cookie, which changes while the session is used. In the caller's transaction. */
@Injectable()
export class BrowserSessions {
  constructor(
    private readonly em: EntityManager,
    private readonly sessions: Sessions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Returns an access token for the secret, and from time to time the next secret. The former secret counts until the next
   * one has been used, because the answer that contains it may be lost, and for a minute after that.
   * @returns null if the secret is not valid. One that was replaced longer ago ends its session
   */
  async exchange(secret: string): Promise<ExchangedSession | null> {
    const token = parseRefreshToken(secret);
    const session = token && (await this.lock(token));
    if (!token || !session) return null;
    if (!this.counts(session)) {
      await this.sessions.endReplayed(token, { browser: true });
      return null;
    }
    const next = this.isOld(session) ? nextRefreshToken(token, this.ids) : undefined;
    await this.recordUse(session, token, next);
    const { id: sessionId, user_id: userId, account_id: accountId } = session;
    const access = await this.sessions.accessToken({ accountId, userId, sessionId });
    return { ...access, ...(next && { next: next.text }) };
  }

  private async lock({ family, hash }: RefreshToken): Promise<BrowserSessionRow | undefined> {
    const { rows } = await sql<BrowserSessionRow>`
      select s.id, s.user_id, u.account_id, coalesce(s.rotated_at, s.created_at) as issued_at, s.confirmed_at,
        case ${hash}::bytea when s.refresh_hash then 'current' when s.previous_hash then 'previous' end as given
      from session s join users u on u.id = s.user_id
      where s.family = ${family} and s.browser and s.revoked_at is null and s.expires_at > ${this.clock.now()}
        and u.status = 'active' and u.suspended_at is null
      for update of s`.execute(this.db);
    return rows[0];
  }

  private counts({ given, confirmed_at }: BrowserSessionRow): boolean {
    if (given !== 'previous') return given === 'current';
    return confirmed_at === null || this.isWithin(GRACE_MS, confirmed_at);
  }

  /** A former secret gets another successor only if the last one seems to be lost. */
  private isOld({ given, issued_at, confirmed_at }: BrowserSessionRow): boolean {
    if (given === 'previous' && confirmed_at !== null) return false;
    return !this.isWithin(ROTATED_AFTER_MS, issued_at);
  }

  private async recordUse(
    { id, given }: BrowserSessionRow,
    used: RefreshToken,
    next: RefreshToken | undefined,
  ): Promise<void> {
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + SESSION_LIFETIME_S * 1_000);
    const change = next
      ? sql`refresh_hash = ${next.hash}, previous_hash = ${used.hash}, rotated_at = ${now}, confirmed_at = null`
      : sql`confirmed_at = coalesce(confirmed_at, ${given === 'current' ? now : null}::timestamptz)`;
    await sql`
      update session set last_used_at = ${now}, expires_at = ${expiresAt}, ${change} where id = ${id}`.execute(this.db);
  }

  private isWithin(ms: number, since: string): boolean {
    return this.clock.millis() - Date.parse(since) <= ms;
  }

  private get db() {
    return this.em.getKysely();
  }
}
