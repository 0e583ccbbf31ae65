import { GATEWAY } from '../callers.js';
import { Nested, Text } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { operation, type Call } from '../operation.js';
import { Login } from './auth.js';
import { SecondFactorMissing } from './sign-in-methods.js';
import { User } from './user.js';

/** A session that is not used for this long is over. */
export const SESSION_LIFETIME_S = 30 * 86_400;

export class BrowserSession {
  @Nested(() => User) user: User;
  @Text({ about: 'Send it as `X-CSRF-Token` with every request that is not a `GET` or `HEAD`.' }) csrfToken: string;
  @SecondFactorMissing() secondFactorMissing?: boolean;
}

const session = { service: 'identity', path: '/v1/auth/session', custom: true } as const;

export const authSessionCreate = operation<BrowserSession, Login>({
  ...session,
  id: 'auth.session.create',
  method: 'POST',
  summary: 'Sign in from a browser: the session is a cookie that scripts cannot read',
  ignoresIdempotencyKey: 'Each sign-in begins a session with a cookie of its own.',
  body: Login,
  answer: BrowserSession,
  status: 200,
  access: 'public',
  rateLimit: 'failed-logins',
  errors: ['invalid-credentials', 'account-inactive', 'second-factor-required', 'sso-required', 'csrf-token-invalid'],
});

export const authSessionGet = operation<BrowserSession>({
  ...session,
  id: 'auth.session.get',
  method: 'GET',
  summary: 'Get the session of the cookie',
  answer: BrowserSession,
  access: 'signed-in',
  errors: ['not-found'],
});

export const authSessionEnd = operation({
  ...session,
  id: 'auth.session.end',
  method: 'DELETE',
  summary: 'End the session and remove its cookie',
  access: 'signed-in',
});

/** Characters of the part of a secret that stays the same for the whole session: 16 bytes in base64url. */
export const SECRET_FAMILY_LENGTH = 22;
/** Characters of a whole secret. The rest has 32 bytes. */
export const SESSION_SECRET_LENGTH = SECRET_FAMILY_LENGTH + 43;

/** What the cookie of a browser holds. Never part of an answer to a client. */
export interface SessionSecret {
  secret: string;
}

export interface OpenedSession {
  user: User;
  secondFactorMissing?: boolean;
}

/** Signs in like `auth.login`. */
export const openBrowserSession: Ask<Login & Pick<Call, 'client'>, SessionSecret & OpenedSession> = {
  service: 'identity',
  subject: 'rpc.identity.sessions.open-for-browser',
  timeout: 10_000,
  calledBy: [GATEWAY],
};

export interface ExchangedSession {
  accessToken: string;
  /** Seconds until the access token expires. */
  expiresIn: number;
  /** The next secret of the session, if it is time for one. The former one counts until a minute after the next is used. */
  next?: string;
}

/** The access token for the secret of a browser; null if the session is over, or the secret is not its own. */
export const exchangeBrowserSession: Ask<SessionSecret, ExchangedSession | null> = {
  service: 'identity',
  subject: 'rpc.identity.sessions.exchange',
  timeout: 5_000,
  calledBy: [GATEWAY],
};
