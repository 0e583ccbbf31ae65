import { Clock } from '#libs/database';
import { Log, safeErrorFields } from '#libs/observability';
import { Injectable } from '@nestjs/common';
import {
  createRemoteJWKSet,
  customFetch,
  jwtVerify,
  type FetchImplementation,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { Configuration } from 'openid-client';
import { IdentityConfig } from '../../identity.config.js';
import type { Connection } from '../connection/connections.js';
import { providerFetch } from './provider-fetch.js';
import { Providers } from './providers.js';

/** With a private key. The client secret signs nothing. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** How long after they are issued tokens count. */
const LONGEST_AGE_S = 300;
const CLOCK_TOLERANCE_S = 30;
const TIMEOUT_MS = 8_000;

export interface ProviderToken extends JWTPayload {
  jti: string;
  exp: number;
}

interface Expected {
  /** The types that its header may name; undefined if it may name none. */
  types: readonly (string | undefined)[];
  audience: string;
}

/** Verifies tokens that a provider has sent on its own. Not in a transaction, because the keys may have to be fetched. */
@Injectable()
export class ProviderTokens {
  private readonly keys = new WeakMap<Configuration, JWTVerifyGetKey>();

  constructor(
    private readonly providers: Providers,
    private readonly config: IdentityConfig,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** @returns undefined if the token is not of this provider, for this audience, of this kind and recent */
  async verify(connection: Connection, token: string, expected: Expected): Promise<ProviderToken | undefined> {
    const provider = await this.providers.of(connection);
    try {
      const { payload, protectedHeader } = await jwtVerify<ProviderToken>(token, this.keysOf(provider), {
        algorithms: ALGORITHMS,
        issuer: connection.issuer,
        audience: expected.audience,
        requiredClaims: ['iat', 'exp', 'jti'],
        maxTokenAge: LONGEST_AGE_S,
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: this.clock.now(),
      });
      return expected.types.includes(protectedHeader.typ) ? payload : undefined;
    } catch (error) {
      this.log.warn(
        { accountId: connection.accountId, ...safeErrorFields(error) },
        'a token of an identity provider was not accepted',
      );
      return undefined;
    }
  }

  private keysOf(provider: Configuration): JWTVerifyGetKey {
    const known = this.keys.get(provider);
    if (known) return known;
    const keys = createRemoteJWKSet(new URL(provider.serverMetadata().jwks_uri!), {
      timeoutDuration: TIMEOUT_MS,
      [customFetch]: fetcher(this.config.ssoAllowPrivate),
    });
    this.keys.set(provider, keys);
    return keys;
  }
}

const fetcher = (allowPrivate: boolean): FetchImplementation => {
  const fetch = providerFetch(allowPrivate);
  return (url, { headers, ...options }) =>
    fetch(url, { ...options, body: undefined, headers: Object.fromEntries(headers) });
};
