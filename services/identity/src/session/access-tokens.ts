import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  ACCESS_TOKEN_LIFETIME_S,
  SERVICE_AUDIENCE,
  SERVICE_TOKEN_LIFETIME_S,
  SET_UP_AUDIENCE,
  type Principal,
  type Role,
  type Scope,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { createLocalJWKSet, errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { sql } from 'kysely';
import { TokenKeys } from '../signing-key/token-keys.js';

const ISSUER = 'leaver';
const OWN_AUDIENCES: unknown[] = [SERVICE_AUDIENCE, SET_UP_AUDIENCE];

interface Subject {
  userId: string;
  accountId: string;
  roles: readonly Role[];
  epoch: number;
}

export interface TokenSubject extends Subject {
  sessionId: string;
  /** The session may only set up a second factor. */
  secondFactorMissing?: boolean;
}

export interface ApiTokenSubject extends Subject {
  apiTokenId: string;
  scopes: readonly Scope[];
}

const claimsOf = ({ accountId, roles, epoch }: Subject) => ({ acc: accountId, roles, ep: epoch });

/** Short-lived tokens that gateways can verify without a call. */
@Injectable()
export class AccessTokens {
  constructor(
    private readonly em: EntityManager,
    private readonly keys: TokenKeys,
    private readonly clock: Clock,
  ) {}

  issue({ sessionId, secondFactorMissing, ...subject }: TokenSubject): Promise<string> {
    const audience = secondFactorMissing && { aud: SET_UP_AUDIENCE };
    return this.sign({ ...claimsOf(subject), sid: sessionId, ...audience }, subject.userId, ACCESS_TOKEN_LIFETIME_S);
  }

  /** A token for calls between services on behalf of the owner of an API token. The gateway does not accept it. */
  issueForServices({ apiTokenId, scopes, ...subject }: ApiTokenSubject): Promise<string> {
    const claims = { ...claimsOf(subject), apt: apiTokenId, scopes, aud: SERVICE_AUDIENCE };
    return this.sign(claims, subject.userId, SERVICE_TOKEN_LIFETIME_S);
  }

  private sign(claims: JWTPayload, userId: string, lifetime: number): Promise<string> {
    const { kid, key } = this.keys.current();
    const now = Math.floor(this.clock.millis() / 1000);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' })
      .setSubject(userId)
      .setIssuer(ISSUER)
      .setIssuedAt(now)
      .setExpirationTime(now + lifetime)
      .sign(key);
  }

  /**
   * Returns the token's principal with the current roles; null if the token, the session or the user is no longer
   * valid.
   */
  async introspect(token: string): Promise<Principal | null> {
    const claims = await this.verified(token);
    if (!claims) return null;
    if (claims.aud === SERVICE_AUDIENCE) return this.ownerOf(claims);
    const { rows } = await sql<{ account_id: string; roles: Role[] }>`
      select u.account_id, array(select r.role from user_role r where r.user_id = u.id order by r.role) as roles
      from users u join session s on s.user_id = u.id
      where u.id = ${claims.sub} and u.status = 'active' and u.suspended_at is null and u.session_epoch = ${claims.ep}
        and s.id = ${claims.sid} and s.revoked_at is null`.execute(this.em.getKysely());
    const [row] = rows;
    if (!row) return null;
    const principal = {
      accountId: row.account_id,
      userId: claims.sub!,
      roles: row.roles,
      sessionId: String(claims.sid),
    };
    return claims.aud === SET_UP_AUDIENCE ? { ...principal, secondFactorMissing: true } : principal;
  }

  private async ownerOf({ sub, ep, apt }: JWTPayload): Promise<Principal | null> {
    const { rows } = await sql<{ account_id: string; roles: Role[]; scopes: Scope[] }>`
      select u.account_id, t.scopes,
        array(select r.role from user_role r where r.user_id = u.id order by r.role) as roles
      from users u join api_token t on t.user_id = u.id
      where u.id = ${sub} and u.status = 'active' and u.suspended_at is null and u.session_epoch = ${ep}
        and t.id = ${apt} and t.revoked_at is null and t.expires_at > ${this.clock.now()}`.execute(this.em.getKysely());
    const [row] = rows;
    return row ? { accountId: row.account_id, userId: sub!, roles: row.roles, scopes: row.scopes } : null;
  }

  private async verified(token: string): Promise<JWTPayload | null> {
    const keys = createLocalJWKSet({ keys: await this.keys.publicKeys() });
    try {
      const options = { algorithms: ['EdDSA'], issuer: ISSUER, currentDate: this.clock.now() };
      const { payload } = await jwtVerify(token, keys, options);
      // A token with another audience is not meant for this service (RFC 7519, 4.1.3).
      return payload.aud === undefined || OWN_AUDIENCES.includes(payload.aud) ? payload : null;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }
}
