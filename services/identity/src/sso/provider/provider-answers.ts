import { Log, safeErrorFields } from '#libs/observability';
import { Injectable } from '@nestjs/common';
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  type Configuration,
  type IDToken,
} from 'openid-client';
import type { Connection } from '../connection/connections.js';
import { failed, type Attempt, type Secrets } from '../sign-in/attempts.js';
import { Providers } from './providers.js';

const SCOPE = 'openid email profile';
/** RFC 7519 sets no limit. No provider has longer ones. */
const LONGEST_SUBJECT = 255;
/** How far the provider's clock may be behind. */
const TOLERANCE_MS = 30_000;

/** A person as the provider has just signed them in. */
export interface Identified {
  subject: string;
  /** Undefined if the provider has not verified it. */
  email: string | undefined;
  name: string | undefined;
  /** The provider's id of its own session. */
  sid: string | undefined;
  /** Whether the person has proved to the provider who they are since this way to the provider began. */
  proven: boolean;
}

/** Sends browsers to providers, and believes what they come back with only after all checks. Not in a transaction. */
@Injectable()
export class ProviderAnswers {
  constructor(
    private readonly providers: Providers,
    private readonly log: Log,
  ) {}

  /**
   * @param anew the person has to sign in at the provider, even if they are signed in there
   * @throws Problem `sso-provider-refused`
   */
  async url(
    connection: Connection,
    redirectUri: string,
    { state, nonce, verifier }: Secrets,
    { anew }: { anew: boolean },
  ): Promise<string> {
    const provider = await this.providers.of(connection);
    return buildAuthorizationUrl(provider, {
      redirect_uri: redirectUri,
      scope: SCOPE,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(anew && { prompt: 'login', max_age: '0' }),
    }).href;
  }

  /**
   * @param address the redirect URI with the parameters of the provider
   * @throws Problem `sso-failed`, `sso-provider-refused`
   */
  async read(connection: Connection, address: URL, attempt: Attempt): Promise<Identified> {
    const refusal = address.searchParams.get('error');
    if (refusal !== null) throw failed(`The identity provider answered \`${known(refusal)}\`.`);
    const provider = await this.providers.of(connection);
    try {
      return await this.exchange(provider, connection, address, attempt);
    } catch (error) {
      this.log.warn(
        { accountId: connection.accountId, ...safeErrorFields(error) },
        'the answer of an identity provider was not accepted',
      );
      throw failed('The answer of the identity provider was not accepted.');
    }
  }

  private async exchange(
    provider: Configuration,
    { issuer }: Connection,
    address: URL,
    { state, nonce, verifier, begunAt }: Attempt,
  ): Promise<Identified> {
    const tokens = await authorizationCodeGrant(provider, address, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims()!;
    // A provider of many organisations may accept the issuer of each of them.
    if (claims.iss !== issuer) throw new Error('The token has another issuer.');
    const { sub: subject, sid } = claims;
    if (subject.length > LONGEST_SUBJECT) throw new Error('The subject is too long.');
    const { email, name } = await profileOf(provider, claims, tokens.access_token);
    return {
      subject,
      email,
      name,
      sid: typeof sid === 'string' ? sid : undefined,
      proven: claims.auth_time !== undefined && claims.auth_time * 1_000 >= begunAt.getTime() - TOLERANCE_MS,
    };
  }
}

/** Many providers put what they know about the person into another answer. */
async function profileOf(provider: Configuration, token: IDToken, accessToken: string) {
  const hasEndpoint = provider.serverMetadata().userinfo_endpoint !== undefined;
  const claims: Record<string, unknown> =
    token.email === undefined && hasEndpoint
      ? { ...token, ...(await fetchUserInfo(provider, accessToken, token.sub)) }
      : token;
  const { email, email_verified: verified, name } = claims;
  // Some providers write it as text.
  const isVerified = verified === true || verified === 'true';
  return {
    email: isVerified && typeof email === 'string' ? email : undefined,
    name: typeof name === 'string' ? name : undefined,
  };
}

/** Error codes of RFC 6749 and its extensions. Anything else may be text of anybody. */
const known = (code: string): string => (/^[a-z_]{1,50}$/.test(code) ? code : 'an error');
