import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  ACCESS_TOKEN_LIFETIME_S,
  type Call,
  cutText,
  Problem,
  SESSION_LIFETIME_S,
  type SignedIn,
  type Tokens,
} from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { sha256 } from '../common/secrets.js';
import { AccessTokens } from './access-tokens.js';
import { UserRows } from '../user/user-rows.js';
import { toUser } from '../user/user-view.js';
import { isSecondFactorMissing } from './second-factor-rule.js';
import { newRefreshToken, nextRefreshToken, parseRefreshToken, type RefreshToken } from './refresh-token.js';
import { SessionEndAnnouncer } from './session-end-announcer.js';

const IDLE_LIFETIME_MS = SESSION_LIFETIME_S * 1_000;

export interface OpenedBy {
  client: Call['client'];
  /** The session gets a secret for a cookie instead of refresh tokens. */
  browser?: boolean;
  /** An identity provider has signed the user in. */
  sso?: {
    /** The provider's id of its own session. */
    sid?: string;
    /** Whether the user has just proved to the provider who they are. */
    proven: boolean;
  };
}

export interface OpenSession {
  accountId: string;
  userId: string;
  sessionId: string;
}

/** Opens, refreshes and ends sessions. All methods run in the caller's transaction. */
@Injectable()
export class Sessions {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly accessTokens: AccessTokens,
    private readonly announcer: SessionEndAnnouncer,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Signs in a user who has proved who they are.
   * @param passwordHash the hash that the password matched; null if it was not a password
   * @returns for a browser, its secret in place of the refresh token
   * @throws Problem `invalid-credentials` if the password has changed since, or the user is no longer active or suspended
   */
  async open(
    accountId: string,
    userId: string,
    passwordHash: string | null,
    { client, browser = false, sso }: OpenedBy,
  ): Promise<SignedIn> {
    // Ending sessions locks the user with `leave`, which conflicts with this lock, so it cannot miss the new session.
    const { rows } = await sql`
      select id from users
      where id = ${userId} and status = 'active' and suspended_at is null
        and (${passwordHash}::text is null or password_hash = ${passwordHash}) for key share`.execute(this.db);
    if (rows.length === 0) throw new Problem('invalid-credentials');
    await this.deleteExpired(userId);
    const sessionId = this.ids.next();
    const refresh = newRefreshToken(this.ids);
    const now = this.clock.now();
    await sql`
      insert into session (id, user_id, family, refresh_hash, browser, ip, user_agent, created_at, last_used_at, expires_at, proven_at, sso,
        sso_session_hash)
      values (${sessionId}, ${userId}, ${refresh.family}, ${refresh.hash}, ${browser}, ${client?.ip ?? null},
        ${client?.userAgent === undefined ? null : cutText(client.userAgent, 500)}, ${now}, ${now}, ${this.expiry()}, ${!sso || sso.proven ? now : null}, ${sso !== undefined},
        ${sso?.sid === undefined ? null : sha256(sso.sid)})`.execute(this.db);
    const tokens = await this.accessToken({ accountId, userId, sessionId });
    const user = await this.users.get(accountId, userId);
    return { ...tokens, refreshToken: refresh.text, user: toUser(user, user, now) };
  }

  /** Returns new tokens for a refresh token; null if it is invalid. A token that was used before ends its session. */
  async refresh(text: string): Promise<Tokens | null> {
    const token = parseRefreshToken(text);
    if (!token) return null;
    const next = nextRefreshToken(token, this.ids);
    const now = this.clock.now();
    const { rows } = await sql<{ id: string; user_id: string; account_id: string }>`
      update session s set refresh_hash = ${next.hash}, last_used_at = ${now}, expires_at = ${this.expiry()}
      from users u
      where s.family = ${token.family} and s.refresh_hash = ${token.hash} and not s.browser and s.revoked_at is null
        and s.expires_at > ${now} and u.id = s.user_id and u.status = 'active' and u.suspended_at is null
      returning s.id, s.user_id, u.account_id`.execute(this.db);
    const [session] = rows;
    if (!session) {
      await this.endReplayed(token);
      return null;
    }
    const { id: sessionId, user_id: userId, account_id: accountId } = session;
    return { ...(await this.accessToken({ accountId, userId, sessionId })), refreshToken: next.text };
  }

  /** Ends one session of the user. @returns false if there is no such session */
  async end(userId: string, session: { id: string } | { refreshToken: string }): Promise<boolean> {
    const which =
      'id' in session
        ? sql`id = ${session.id}`
        : sql`family = ${parseRefreshToken(session.refreshToken)?.family ?? null}`;
    const { rows } = await sql<{ id: string }>`
      update session set revoked = true, revoked_at = ${this.clock.now()}, revoked_alone = true
      where ${which} and user_id = ${userId} and revoked_at is null returning id`.execute(this.db);
    this.announcer.announce({ sessions: rows.map(({ id }) => id) });
    return rows.length > 0;
  }

  /** Ends the user's sessions except the given one. */
  async endOthers(userId: string, keptId: string | undefined): Promise<void> {
    await this.users.lock([userId], 'leave');
    const { rows } = await sql<{ id: string }>`
      update session set revoked = true, revoked_at = ${this.clock.now()}, revoked_alone = true
      where user_id = ${userId} and id is distinct from ${keptId ?? null} and revoked_at is null returning id`.execute(
      this.db,
    );
    this.announcer.announce({ sessions: rows.map(({ id }) => id) });
  }

  /** Ends all sessions of the users and invalidates their access tokens immediately. */
  async endAll(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    await this.renewClaims(userIds);
    await sql`
      update session set revoked = true, revoked_at = ${this.clock.now()}
      where user_id = any(${userIds}::uuid[]) and revoked_at is null`.execute(this.db);
  }

  /**
   * Ends sessions that the account's identity provider has begun: of a user, of a session of the provider, or of both.
   * @returns the ids of their users
   */
  async endOfProvider(accountId: string, { userId, sid }: { userId?: string; sid?: string }): Promise<string[]> {
    if (userId !== undefined) await this.users.lock([userId], 'leave');
    const { rows } = await sql<{ id: string; user_id: string }>`
      update session s set revoked = true, revoked_at = ${this.clock.now()}, revoked_alone = true
      from users u
      where u.id = s.user_id and u.account_id = ${accountId} and s.sso and s.revoked_at is null
        and (${userId ?? null}::uuid is null or s.user_id = ${userId ?? null}::uuid)
        and (${sid ?? null}::text is null or s.sso_session_hash = ${sid === undefined ? null : sha256(sid)})
      returning s.id, s.user_id`.execute(this.db);
    this.announcer.announce({ sessions: rows.map(({ id }) => id) });
    return [...new Set(rows.map((row) => row.user_id))];
  }

  /**
   * Invalidates all access tokens issued so far. The sessions stay open; a refresh returns a token with the current
   * roles.
   */
  async renewClaims(userIds: readonly string[]): Promise<void> {
    await this.users.lock(userIds, 'leave');
    const { rows } = await sql<{ id: string; session_epoch: number }>`
      update users set session_epoch = session_epoch + 1, session_epoch_at = ${this.clock.now()}
      where id = any(${userIds}::uuid[]) returning id, session_epoch`.execute(this.db);
    this.announcer.announce({ epochs: rows.map((row) => ({ userId: row.id, epoch: row.session_epoch })) });
  }

  /** An access token with the current roles. It says if the user has to set up a second factor first. */
  async accessToken({ accountId, userId, sessionId }: OpenSession): Promise<Omit<Tokens, 'refreshToken'>> {
    const { roles, session_epoch: epoch } = await this.users.get(accountId, userId);
    const secondFactorMissing = await isSecondFactorMissing(this.em, { userId, sessionId }, this.clock.now());
    const subject = { userId, accountId, roles, sessionId, epoch, secondFactorMissing };
    const accessToken = await this.accessTokens.issue(subject);
    return { accessToken, expiresIn: ACCESS_TOKEN_LIFETIME_S, ...(secondFactorMissing && { secondFactorMissing }) };
  }

  /** A token or secret that is used after its successor may have been stolen, so the session ends for both holders. */
  async endReplayed(token: RefreshToken, { browser = false } = {}): Promise<void> {
    const { rows } = await sql<{ id: string; user_id: string; account_id: string }>`
      update session s set revoked = true, revoked_at = ${this.clock.now()}, revoked_alone = true
      from users u
      where s.family = ${token.family} and s.refresh_hash <> ${token.hash} and s.browser = ${browser}
        and s.revoked_at is null and u.id = s.user_id
      returning s.id, s.user_id, u.account_id`.execute(this.db);
    for (const { id, user_id: subjectId, account_id: accountId } of rows) {
      this.announcer.announce({ sessions: [id] });
      await this.audit.append([{ accountId, action: 'session.replayed', system: 'sessions', subjectId }]);
    }
  }

  /** Deletes sessions that ended long ago, because they only reveal where a user was. */
  private async deleteExpired(userId: string): Promise<void> {
    const horizon = new Date(this.clock.millis() - IDLE_LIFETIME_MS);
    await sql`
      delete from session where user_id = ${userId} and (revoked_at < ${horizon} or expires_at < ${horizon})`.execute(
      this.db,
    );
  }

  private expiry(): Date {
    return new Date(this.clock.millis() + IDLE_LIFETIME_MS);
  }

  private get db() {
    return this.em.getKysely();
  }
}
