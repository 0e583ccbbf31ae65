import { Email, Flag, Id, Moment, Nested, SomeOf, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { SCOPES, type Scope } from '../scopes.js';
import { Proof, SecondFactorMissing, SecondFactorProof, StepUp } from './sign-in-methods.js';
import { User } from './user.js';

/** A new password. A password that is only checked may be any text. */
export const Password = (presence: { optional?: boolean; about?: string } = {}) =>
  Text({ min: 8, max: 256, ...presence });

export class Tokens {
  @Text({ max: 4000, about: 'For `Authorization: Bearer`.' }) accessToken: string;
  @Text({ about: 'Valid for one refresh. Using it twice ends the session.' }) refreshToken: string;
  @Whole({ about: 'Seconds until the access token expires.' }) expiresIn: number;
  @SecondFactorMissing() secondFactorMissing?: boolean;
}

export class SignedIn extends Tokens {
  @Nested(() => User) user: User;
}

/**
 * Address and password; or only a passkey. Users with a second factor send one beside the password, or in a second request with
 * the `challenge` of the answer to the first one.
 */
export class Login extends SecondFactorProof {
  @Email({ optional: true }) email?: string;
  @Text({ max: 256, optional: true }) password?: string;
  @Text({
    optional: true,
    about:
      'That of the answer `second-factor-required`, in place of address and password. It counts for five minutes and five tries.',
  })
  challenge?: string;
  @Id({
    optional: true,
    about:
      'Required if the same email and password belong to several accounts. Without it, up to five users with the email are tried.',
  })
  accountId?: string;
}

export class Refresh {
  @Text() refreshToken: string;
}

export class Logout {
  @Text({ optional: true, about: 'Ends the session of this refresh token instead of the current one.' })
  refreshToken?: string;
}

export class PasswordResetRequest {
  @Email() email: string;
  @Id({
    optional: true,
    about: 'Only for the user of this account. Without it, up to five users with the email get a mail.',
  })
  accountId?: string;
}

export class PasswordReset {
  @Text() token: string;
  @Password() password: string;
}

export class Me extends User {
  @Id() accountId: string;
}

export class Session {
  @Id() id: string;
  @Moment() createdAt: string;
  @Moment() lastUsedAt: string;
  @Moment() expiresAt: string;
  @Text({ nullable: true }) ip: string | null;
  @Text({ nullable: true, max: 500 }) userAgent: string | null;
  @Flag({ about: 'Whether it is the session of this request.' }) current: boolean;
}

export class EmailConfirmation {
  @Text({ about: 'From the mail to the new address.' }) token: string;
}

/** The longest lifetime of an API or SCIM token, in days. */
export const MAX_TOKEN_DAYS = 365;
/** The lifetime of an API token that asks for none, in days. */
export const DEFAULT_TOKEN_DAYS = 90;

export class NewApiToken {
  @Text() name: string;
  @SomeOf(SCOPES, {
    min: 1,
    about:
      '`read`: read. `write`: change resources. `departures`: decide about users who leave. `admin`: users, teams, ' +
      'policy, account, tokens of others, audit trail. Scopes never add to what your role allows.',
  })
  scopes: Scope[];
  @Moment({ optional: true, about: 'Default: in 90 days. At most in a year.' }) expiresAt?: string;
}

export class ApiToken {
  @Id() id: string;
  @Text() name: string;
  @SomeOf(SCOPES) scopes: Scope[];
  @Moment() createdAt: string;
  @Moment({ nullable: true }) lastUsedAt: string | null;
  @Moment() expiresAt: string;
}

export class CreatedApiToken extends ApiToken {
  @Text({ about: 'Shown only once.' }) token: string;
}

const identity = { service: 'identity' } as const;

export const authLogin = operation<SignedIn, Login>({
  ...identity,
  id: 'auth.login',
  method: 'POST',
  path: '/v1/auth/login',
  summary: 'Sign in',
  ignoresIdempotencyKey: 'Each sign-in begins a session with tokens of its own.',
  body: Login,
  answer: SignedIn,
  status: 200,
  access: 'public',
  rateLimit: 'failed-logins',
  errors: ['invalid-credentials', 'account-inactive', 'second-factor-required', 'sso-required'],
});

export const authRefresh = operation<Tokens, Refresh>({
  ...identity,
  id: 'auth.refresh',
  method: 'POST',
  path: '/v1/auth/refresh',
  summary: 'Exchange a refresh token for new tokens',
  ignoresIdempotencyKey: 'A refresh token is valid once, and using it again ends the session.',
  body: Refresh,
  answer: Tokens,
  status: 200,
  access: 'public',
  rateLimit: 'failed-tokens',
  errors: ['unauthenticated'],
});

export const authStepUp = operation<Proof, StepUp>({
  ...identity,
  id: 'auth.step-up',
  method: 'POST',
  access: 'signed-in',
  path: '/v1/auth/step-up',
  summary: 'Prove again who you are: for ten minutes, this session can change what lets you in',
  ignoresIdempotencyKey: 'Each proof counts from its own time.',
  body: StepUp,
  answer: Proof,
  status: 200,
  rateLimit: 'failed-logins',
  errors: ['invalid-credentials', 'second-factor-required', 'sso-required', 'step-up-required'],
});

export const emailChangeConfirm = operation<undefined, EmailConfirmation>({
  ...identity,
  id: 'auth.email-change.confirm',
  method: 'POST',
  path: '/v1/auth/email-change/confirm',
  summary: 'Confirm a new email address with the token that was mailed to it',
  body: EmailConfirmation,
  status: 202,
  access: 'public',
  rateLimit: 'failed-tokens',
  errors: ['gone', 'duplicate-email'],
});

export const authLogout = operation<undefined, Logout>({
  ...identity,
  id: 'auth.logout',
  method: 'POST',
  access: 'signed-in',
  path: '/v1/auth/logout',
  summary: 'End the session',
  body: Logout,
  bodyOptional: true,
  status: 204,
});

export const passwordResetRequest = operation<undefined, PasswordResetRequest>({
  ...identity,
  id: 'auth.password-reset.request',
  method: 'POST',
  path: '/v1/auth/password-reset',
  summary: 'Request a password reset; the answer does not reveal whether the user exists',
  body: PasswordResetRequest,
  status: 202,
  access: 'public',
  rateLimit: 'password-resets',
});

export const passwordResetConfirm = operation<undefined, PasswordReset>({
  ...identity,
  id: 'auth.password-reset.confirm',
  method: 'POST',
  path: '/v1/auth/password-reset/confirm',
  summary: 'Set a new password; all sessions end',
  body: PasswordReset,
  status: 202,
  access: 'public',
  rateLimit: 'failed-tokens',
  errors: ['gone', 'sso-required'],
});

export const meGet = operation<Me>({
  ...identity,
  id: 'me.get',
  method: 'GET',
  access: 'signed-in',
  path: '/v1/me',
  summary: 'Get the signed-in user',
  answer: Me,
});

export const mySessionsList = operation<Page<Session>, NoBody, ListQuery>({
  ...identity,
  id: 'me.sessions.list',
  method: 'GET',
  access: 'signed-in',
  path: '/v1/me/sessions',
  summary: 'List my sessions',
  query: ListQuery,
  answer: pageOf(Session),
});

export const mySessionsEnd = operation({
  ...identity,
  id: 'me.sessions.end',
  method: 'DELETE',
  access: 'record-owner',
  path: '/v1/me/sessions/:id',
  summary: 'End one of my sessions',
  errors: ['not-found'],
});

export const myApiTokensCreate = operation<CreatedApiToken, NewApiToken>({
  ...identity,
  id: 'me.api-tokens.create',
  method: 'POST',
  access: 'signed-in',
  path: '/v1/me/api-tokens',
  summary: 'Create a personal API token',
  body: NewApiToken,
  answer: CreatedApiToken,
  errors: ['step-up-required'],
});

export const myApiTokensList = operation<Page<ApiToken>, NoBody, ListQuery>({
  ...identity,
  id: 'me.api-tokens.list',
  method: 'GET',
  access: 'signed-in',
  path: '/v1/me/api-tokens',
  summary: 'List my API tokens',
  query: ListQuery,
  answer: pageOf(ApiToken),
});

export const myApiTokensRevoke = operation({
  ...identity,
  id: 'me.api-tokens.revoke',
  method: 'DELETE',
  access: 'record-owner',
  path: '/v1/me/api-tokens/:id',
  summary: 'Revoke an API token',
  errors: ['not-found'],
});

const ofUser = { service: 'identity', path: '/v1/users/:id/api-tokens', access: MANAGERS } as const;

export const apiTokensOfUserList = operation<Page<ApiToken>, NoBody, ListQuery>({
  ...ofUser,
  id: 'users.api-tokens.list',
  method: 'GET',
  summary: 'List the API tokens of a user',
  query: ListQuery,
  answer: pageOf(ApiToken),
  errors: ['not-found'],
});

export const apiTokensOfUserRevoke = operation({
  ...ofUser,
  id: 'users.api-tokens.revoke',
  method: 'DELETE',
  path: `${ofUser.path}/:tokenId`,
  summary: 'Revoke an API token of a user',
  errors: ['not-found'],
});
