import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ACCESS_TOKEN_LIFETIME_S, type Principal, type Role } from '#libs/contracts';
import { Clock } from '#libs/database';
import { createLocalJWKSet, errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { sql } from 'kysely';
import { SigningKeys } from '../signing-key/signing-keys.js';

const ISSUER = 'leaver';

export interface TokenSubject {
  userId: string;
  accountId: string;
  roles: readonly Role[];
  sessionId: string;
  epoch: number;
}

/** Short-lived tokens that gateways can verify without a call. */
@Injectable()
export class AccessTokens {
  constructor(
    private readonly em: EntityManager,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {}

  issue({ userId, accountId, roles, sessionId, epoch }: TokenSubject): Promise<string> {
    const { kid, key } = this.keys.current();
    const now = Math.floor(this.clock.millis() / 1000);
    return new SignJWT({ acc: accountId, roles, sid: sessionId, ep: epoch })
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' })
      .setSubject(userId)
      .setIssuer(ISSUER)
      .setIssuedAt(now)
      .setExpirationTime(now + ACCESS_TOKEN_LIFETIME_S)
      .sign(key);
  }

  /**
   * Returns the token's principal with the current roles; null if the token, the session or the user is no longer
   * valid.
   */
  async introspect(token: string): Promise<Principal | null> {
    const claims = await this.verified(token);
    if (!claims) return null;
    const { rows } = await sql<{ account_id: string; roles: Role[] }>`
      select u.account_id, array(select r.role from user_role r where r.user_id = u.id order by r.role) as roles
      from users u join session s on s.user_id = u.id
      where u.id = ${claims.sub} and u.status = 'active' and u.session_epoch = ${claims.ep}
        and s.id = ${claims.sid} and s.revoked_at is null`.execute(this.em.getKysely());
    const [row] = rows;
    return row
      ? { accountId: row.account_id, userId: claims.sub!, roles: row.roles, sessionId: String(claims.sid) }
      : null;
  }

  private async verified(token: string): Promise<JWTPayload | null> {
    const keys = createLocalJWKSet({ keys: await this.keys.keysOfTokens() });
    try {
      const options = { algorithms: ['EdDSA'], issuer: ISSUER, currentDate: this.clock.now() };
      const { payload } = await jwtVerify(token, keys, options);
      // Our tokens name no audience; a token with one is not meant for this service (RFC 7519, 4.1.3).
      return payload.aud === undefined ? payload : null;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }
}
