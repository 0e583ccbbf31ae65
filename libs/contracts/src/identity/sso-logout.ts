import { GATEWAY } from '../callers.js';
import { Email, Nested, OneOf, Text } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { operation } from '../operation.js';

/** How a request names the person (RFC 9493). */
export const SUBJECT_FORMATS = ['iss_sub', 'email'] as const;

export class SubjectIdentifier {
  @OneOf(SUBJECT_FORMATS) format: (typeof SUBJECT_FORMATS)[number];
  @Text({ optional: true, max: 2_000, about: 'Of `iss_sub`: the issuer.' }) iss?: string;
  @Text({ optional: true, max: 255, about: 'Of `iss_sub`: the subject.' }) sub?: string;
  @Email({ optional: true, about: 'Of `email`.' }) email?: string;
}

export class GlobalLogout {
  @Nested(() => SubjectIdentifier) sub_id: SubjectIdentifier;
}

const logout = { service: 'identity', method: 'POST', access: 'public', custom: true } as const;

export const ssoBackchannelLogout = operation({
  ...logout,
  id: 'auth.sso.backchannel-logout',
  path: '/v1/auth/sso/:accountId/backchannel-logout',
  summary: 'End sessions that the identity provider has begun (OpenID Connect Back-Channel Logout)',
  ignoresIdempotencyKey: 'A repeated `logout_token` has no further effect.',
  consumes: ['application/x-www-form-urlencoded'],
  status: 200,
  rateLimit: 'failed-tokens',
  errors: ['logout-token-invalid'],
});

export const ssoGlobalLogout = operation<undefined, GlobalLogout>({
  ...logout,
  id: 'auth.sso.global-logout',
  path: '/v1/auth/sso/:accountId/global-token-revocation',
  summary: 'End all sessions of a user, on behalf of the identity provider (Okta Universal Logout)',
  ignoresIdempotencyKey: 'A repeated request ends what is open.',
  body: GlobalLogout,
  status: 204,
  rateLimit: 'failed-tokens',
  errors: ['unauthenticated', 'not-found'],
});

const ask = { service: 'identity', timeout: 15_000, calledBy: [GATEWAY] } as const;

export const endSsoSessions: Ask<{ accountId: string; logoutToken: string }, void> = {
  ...ask,
  subject: 'rpc.identity.sso.logout',
};

export interface GlobalLogoutRequest {
  accountId: string;
  /** From the header `Authorization`. */
  token: string;
  /** The address of the endpoint, for which the token has to be. */
  audience: string;
  subject: SubjectIdentifier;
}

export const endSsoSessionsOf: Ask<GlobalLogoutRequest, void> = { ...ask, subject: 'rpc.identity.sso.global-logout' };
