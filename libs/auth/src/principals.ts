import { ServiceClient, withToken } from '#libs/broker';
import {
  authenticate,
  Problem,
  ROLES,
  SCOPES,
  SERVICE_AUDIENCE,
  SET_UP_AUDIENCE,
  type Principal,
  type Role,
  type Scope,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { RecentAnswers } from './recent-answers.js';
import { SessionEpochs, TOKEN_LIFE, type TokenFacts } from './session-epochs.js';
import { SessionWatch } from './session-watch.js';
import { SigningKeys } from './signing-keys.js';
import { VerifiedTokens } from './verified-tokens.js';

/** Milliseconds. Short, so that requests fail fast with a Retry-After instead of piling up. */
const INTROSPECTION_TIMEOUT = 2_000;
/** Tolerated clock difference between two machines, in seconds. */
const CLOCK_TOLERANCE = 2;

interface AccessToken extends TokenFacts {
  accountId: string;
  roles: Role[];
  /** What the API token that it stands for may be used for. */
  scopes?: Scope[];
  /** Whether only services accept it. */
  forServices: boolean;
  secondFactorMissing?: true;
}

/** Derives the principal from a token. */
@Injectable()
export class Principals {
  private readonly recent: RecentAnswers<Principal>;

  constructor(
    private readonly services: ServiceClient,
    private readonly keys: SigningKeys,
    private readonly epochs: SessionEpochs,
    private readonly watch: SessionWatch,
    private readonly verified: VerifiedTokens<AccessToken>,
    private readonly clock: Clock,
  ) {
    this.recent = new RecentAnswers(clock);
  }

  /**
   * The principal of an access token.
   * @param options `fromService`: also accepts tokens that identity issues for calls between services
   * @throws Problem `unauthenticated`; `service-unavailable` when identity cannot be asked
   */
  async ofAccessToken(token: string, { fromService = false } = {}): Promise<Principal> {
    const facts = await this.verify(token);
    if (facts.forServices && !fromService) throw new Problem('unauthenticated');
    if (!this.watch.fresh) return this.recent.of(token, () => this.introspected(token));
    if (!this.epochs.isAlive(facts)) throw new Problem('unauthenticated');
    const { accountId, userId, roles, sessionId, scopes, secondFactorMissing } = facts;
    const of =
      sessionId === undefined ? { scopes } : { sessionId, ...(secondFactorMissing && { secondFactorMissing }) };
    return withToken({ accountId, userId, roles, ...of }, token);
  }

  /**
   * Asks identity for the principal of any token.
   * @throws Problem as `ofAccessToken`
   */
  async introspected(token: string): Promise<Principal> {
    const found = await this.services.ask({ ...authenticate, timeout: INTROSPECTION_TIMEOUT }, { token });
    if (!found) throw new Problem('unauthenticated');
    const { accessToken = token, ...principal } = found;
    return withToken(principal, accessToken);
  }

  private async verify(token: string): Promise<AccessToken> {
    const known = this.verified.find(token);
    if (known && (await this.keys.find(known.kid)) === known.key) return known.facts;
    try {
      const { payload, protectedHeader, key } = await jwtVerify(token, ({ kid }) => this.key(kid), {
        algorithms: ['EdDSA'],
        issuer: 'leaver',
        requiredClaims: ['sub', 'acc', 'roles', 'ep', 'iat', 'exp'],
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

function factsOf({ sub, acc, roles, sid, ep, aud, scopes }: JWTPayload): AccessToken {
  const forServices = aud === SERVICE_AUDIENCE;
  const forSetUp = aud === SET_UP_AUDIENCE;
  // Other access tokens of sessions have no audience; a token with another one is meant for somebody else (RFC 7519, 4.1.3).
  // Only a token for services, which stands for an API token, has no session. It has scopes instead.
  const wellFormed =
    (forServices
      ? sid === undefined && Array.isArray(scopes)
      : (aud === undefined || forSetUp) && typeof sid === 'string') &&
    typeof sub === 'string' &&
    typeof acc === 'string' &&
    typeof ep === 'number';
  if (!wellFormed || !Array.isArray(roles)) throw new Problem('unauthenticated');
  return {
    userId: sub,
    accountId: acc,
    sessionId: sid as string | undefined,
    epoch: ep,
    roles: ROLES.filter((role) => roles.includes(role)),
    ...(forServices && { scopes: SCOPES.filter((scope) => (scopes as unknown[]).includes(scope)) }),
    forServices,
    ...(forSetUp && { secondFactorMissing: true as const }),
  };
}
