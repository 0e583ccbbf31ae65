import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type GlobalLogoutRequest, type SubjectIdentifier } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../audit/audit.js';
import { sha256 } from '../../common/secrets.js';
import { Sessions } from '../../session/sessions.js';
import { Connections, type Connection } from '../connection/connections.js';
import { ProviderTokens, type ProviderToken } from '../provider/provider-tokens.js';
import { Links } from '../sign-in/links.js';

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Providers from before the type was recommended name none, or the general one. */
const LOGOUT_TYPES = ['logout+jwt', 'JWT', undefined];
const GLOBAL_LOGOUT_TYPES = ['global-token-revocation+jwt'];
const TOLERANCE_MS = 60_000;

/** Ends sessions because the account's provider says so. */
@Injectable()
export class ProviderLogouts {
  constructor(
    private readonly em: EntityManager,
    private readonly connections: Connections,
    private readonly tokens: ProviderTokens,
    private readonly links: Links,
    private readonly sessions: Sessions,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /**
   * Ends the sessions that a session of the provider has begun, or that the provider has begun for a person.
   * @throws Problem `logout-token-invalid`, also for an account without a provider
   */
  async logout(accountId: string, logoutToken: string): Promise<void> {
    const connection = await this.connections.find(accountId);
    const expected = { types: LOGOUT_TYPES, audience: connection?.clientId ?? '' };
    const token = connection && (await this.tokens.verify(connection, logoutToken, expected));
    if (!connection || !token || !isLogout(token)) throw new Problem('logout-token-invalid');
    const { issuer } = connection;
    const { sub: subject, sid } = token as ProviderToken & { sid?: string };
    await this.em.transactional(async () => {
      if (!(await this.isFirst(accountId, token))) return;
      const userId =
        subject === undefined ? undefined : (await this.links.personOf({ accountId, issuer, subject }))?.id;
      if (subject !== undefined && userId === undefined) return;
      await this.record(accountId, await this.sessions.endOfProvider(accountId, { userId, sid }));
    });
  }

  /**
   * Ends all sessions of a user, however they have begun.
   * @throws Problem `unauthenticated`, `not-found` if the account has no such user, `validation`
   */
  async globalLogout({ accountId, token: given, audience, subject }: GlobalLogoutRequest): Promise<void> {
    const connection = await this.connections.find(accountId);
    const expected = { types: GLOBAL_LOGOUT_TYPES, audience };
    const token = connection && (await this.tokens.verify(connection, given, expected));
    if (!connection || !token) throw new Problem('unauthenticated');
    await this.em.transactional(async () => {
      const userId = await this.userOf(connection, subject);
      if (userId === undefined) throw new Problem('not-found', { detail: 'There is no such user.' });
      if (!(await this.isFirst(accountId, token))) return;
      await this.sessions.endAll([userId]);
      await this.record(accountId, [userId]);
    });
  }

  private async userOf(
    { accountId, issuer }: Connection,
    { format, iss, sub: subject, email }: SubjectIdentifier,
  ): Promise<string | undefined> {
    if (format === 'email') {
      if (email === undefined) throw missing('email');
      return (await this.links.personAt(accountId, email))?.id;
    }
    if (iss === undefined || subject === undefined) throw missing(iss === undefined ? 'iss' : 'sub');
    return iss === issuer ? (await this.links.personOf({ accountId, issuer, subject }))?.id : undefined;
  }

  /** Whether the token has not been used. A provider that gets no answer sends it again. */
  private async isFirst(accountId: string, { jti, exp }: ProviderToken): Promise<boolean> {
    const db = this.em.getKysely();
    await sql`delete from sso_used_token where account_id = ${accountId} and expires_at < ${this.clock.now()}`.execute(
      db,
    );
    const { rows } = await sql`
      insert into sso_used_token (account_id, hash, expires_at)
      values (${accountId}, ${sha256(jti)}, ${new Date(exp * 1_000 + TOLERANCE_MS)})
      on conflict do nothing returning hash`.execute(db);
    return rows.length > 0;
  }

  private record(accountId: string, userIds: readonly string[]): Promise<void> {
    return this.audit.append(
      userIds.map((subjectId) => ({ accountId, action: 'sessions.ended', system: 'sso', subjectId })),
    );
  }
}

/** OpenID Connect Back-Channel Logout 1.0, 2.6. An ID token has no such event, and may have a nonce. */
function isLogout({ events, nonce, sub, sid }: ProviderToken): boolean {
  const isEvent = typeof events === 'object' && events !== null && LOGOUT_EVENT in events;
  const named = [sub, sid].filter((one) => one !== undefined);
  return isEvent && nonce === undefined && named.length > 0 && named.every((one) => typeof one === 'string');
}

const missing = (name: string) =>
  new Problem('validation', { errors: [{ field: `sub_id.${name}`, message: `sub_id.${name} is required` }] });
