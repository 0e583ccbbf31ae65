import { ServiceClient } from '#libs/broker';
import { authenticate, Problem, ROLES, type Principal, type Role } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { SessionEpochs, TOKEN_LIFE, type TokenFacts } from './session-epochs.js';
import { SessionWatch } from './session-watch.js';
import { SigningKeys } from './signing-keys.js';
import { VerifiedTokens } from './verified-tokens.js';

const API_TOKEN = 'lvr_';
/** Milliseconds. Short, so that requests fail fast with a Retry-After instead of piling up. */
const INTROSPECTION_TIMEOUT = 2_000;
/** Tolerated clock difference between two machines, in seconds. */
const CLOCK_TOLERANCE = 2;

interface AccessToken extends TokenFacts {
  accountId: string;
  roles: Role[];
}

/** Authenticates requests by access token or API token. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly services: ServiceClient,
    private readonly keys: SigningKeys,
    private readonly epochs: SessionEpochs,
    private readonly watch: SessionWatch,
    private readonly verified: VerifiedTokens<AccessToken>,
    private readonly clock: Clock,
  ) {}

  /**
   * @param header the request's `Authorization` header
   * @throws Problem `unauthenticated`; `service-unavailable` when identity cannot be asked
   */
  async authenticate(header: string | undefined): Promise<Principal> {
    const token = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
    if (!token) throw new Problem('unauthenticated');
    if (token.startsWith(API_TOKEN)) return this.introspect(token);
    const { accountId, userId, sessionId, epoch, roles } = await this.verify(token);
    if (!this.watch.fresh) return this.introspect(token);
    if (!this.epochs.isAlive({ userId, sessionId, epoch })) throw new Problem('unauthenticated');
    return { accountId, userId, roles, sessionId };
  }

  private async introspect(token: string): Promise<Principal> {
    const principal = await this.services.ask({ ...authenticate, timeout: INTROSPECTION_TIMEOUT }, { token });
    if (!principal) throw new Problem('unauthenticated');
    return principal;
  }

  private async verify(token: string): Promise<AccessToken> {
    const known = this.verified.find(token);
    if (known && (await this.keys.find(known.kid)) === known.key) return known.facts;
    try {
      const { payload, protectedHeader, key } = await jwtVerify(token, ({ kid }) => this.key(kid), {
        algorithms: ['EdDSA'],
        issuer: 'leaver',
        requiredClaims: ['sub', 'acc', 'roles', 'sid', 'ep', 'iat', 'exp'],
        maxTokenAge: TOKEN_LIFE / 1_000,
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: this.clock.now(),
      });
      const facts = factsOf(payload);
      const until = Math.min(payload.exp! * 1_000, payload.iat! * 1_000 + TOKEN_LIFE) + CLOCK_TOLERANCE * 1_000;
      this.verified.keep(token, { facts, kid: protectedHeader.kid!, key, until });
      return facts;
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new Problem('unauthenticated');
      throw error;
    }
  }

  private async key(id: string | undefined) {
    const key = id === undefined ? undefined : await this.keys.find(id);
    if (!key) throw new Problem('unauthenticated');
    return key;
  }
}

function factsOf({ sub, acc, roles, sid, ep, aud }: JWTPayload): AccessToken {
  // Our tokens have no audience; a token with one is meant for another service (RFC 7519, 4.1.3).
  const wellFormed =
    aud === undefined &&
    typeof sub === 'string' &&
    typeof acc === 'string' &&
    typeof sid === 'string' &&
    typeof ep === 'number';
  if (!wellFormed || !Array.isArray(roles)) throw new Problem('unauthenticated');
  return {
    userId: sub,
    accountId: acc,
    sessionId: sid,
    epoch: ep,
    roles: ROLES.filter((role) => roles.includes(role)),
  };
}
