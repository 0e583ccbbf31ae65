import { GATEWAY } from '../callers.js';
import { Email, Flag, Link, OneOf, Pattern, Text } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { operation, type Call } from '../operation.js';

/** A path of our own pages. A host, a scheme or a second slash would lead to another site. */
const ReturnTo = () =>
  Pattern(/^(?!.*\/\/)\/[\w~.\-/]{0,200}(\?[\w~.\-=&%,:]{0,300})?$/, 'a path of this site, like /people?view=left', {
    optional: true,
    about: 'The page that is shown afterwards. Default: `/`.',
  });

export class SsoLookup {
  @Email() email: string;
}

export class SsoDestination {
  @Link({
    nullable: true,
    about:
      'Where the browser goes to sign in. Null: with a password. It depends on the domain only, not on whether the person exists.',
  })
  startUrl: string | null;
  @Flag({ about: 'Whether passwords count for nothing there, except that of one owner.' }) enforced: boolean;
}

export class SsoStart {
  @ReturnTo() returnTo?: string;
}

/** The provider may add other parameters. */
export class SsoCallback {
  @Text({ optional: true, max: 4_000 }) code?: string;
  @Text({ optional: true, max: 500 }) state?: string;
  @Text({ optional: true, max: 2_000 }) iss?: string;
  @Text({ optional: true, about: 'Why the provider has signed nobody in.' }) error?: string;
}

/** `link`: the next sign-ins of this person come from the provider. `step-up`: a proof of identity, for ten minutes. */
export const SSO_PROOFS = ['link', 'step-up'] as const;
export type SsoProofPurpose = (typeof SSO_PROOFS)[number];

export class SsoProof {
  @OneOf(SSO_PROOFS, {
    about:
      '`link`: the person signs in through the provider from now on; needs a recent proof. `step-up`: the provider ' +
      'proves again who it is, as `POST /v1/auth/step-up` does with a password.',
  })
  purpose: SsoProofPurpose;
  @ReturnTo() returnTo?: string;
}

export class SsoRedirect {
  @Text({ max: 8_000, about: 'The page of the provider, to which the browser goes.' }) url: string;
}

const start = { service: 'identity', access: 'public', path: '/v1/auth/sso' } as const;

export const ssoLookup = operation<SsoDestination, SsoLookup>({
  ...start,
  id: 'auth.sso.lookup',
  method: 'POST',
  summary: 'Find out where a person with this address signs in',
  ignoresIdempotencyKey: 'It changes nothing.',
  body: SsoLookup,
  answer: SsoDestination,
  status: 200,
});

export const ssoStart = operation<undefined, object, SsoStart>({
  ...start,
  id: 'auth.sso.start',
  method: 'GET',
  path: `${start.path}/:accountId/start`,
  summary: 'Go to the identity provider of the account',
  query: SsoStart,
  status: 302,
  custom: true,
  errors: ['sso-failed', 'sso-provider-refused'],
});

export const ssoCallback = operation<undefined, object, SsoCallback>({
  ...start,
  id: 'auth.sso.callback',
  method: 'GET',
  path: `${start.path}/:accountId/callback`,
  summary:
    'Come back from the identity provider: sets the session cookie; a page is redirected to `/sign-in?error=<code>` if it fails',
  query: SsoCallback,
  status: 302,
  custom: true,
  rateLimit: 'failed-tokens',
  errors: [
    'sso-failed',
    'account-inactive',
    'sso-email-unverified',
    'sso-not-linked',
    'sso-link-required',
    'no-free-seat',
    'duplicate-email',
    'conflict',
    'gone',
  ],
});

export const ssoProve = operation<SsoRedirect, SsoProof>({
  service: 'identity',
  id: 'me.sso.prove',
  method: 'POST',
  path: '/v1/me/sso',
  access: 'signed-in',
  summary: 'Have the identity provider confirm who you are: to link it with you, or as a proof for this session',
  ignoresIdempotencyKey: 'Each request begins with the provider anew.',
  body: SsoProof,
  answer: SsoRedirect,
  status: 200,
  custom: true,
  errors: ['not-found', 'step-up-required', 'sso-provider-refused', 'csrf-token-invalid'],
});

/** What the gateway needs to send a browser to the provider. */
export interface SsoBeginning {
  url: string;
  /** Goes into a cookie, so that only this browser can come back. */
  browser: string;
}

interface Beginning {
  accountId: string;
  /** At which clients reach us. */
  origin: string;
  returnTo?: string;
}

const ask = { service: 'identity', calledBy: [GATEWAY] } as const;

export const beginSso: Ask<Beginning, SsoBeginning> = {
  ...ask,
  subject: 'rpc.identity.sso.begin',
  timeout: 15_000,
};

export const beginSsoProof: Ask<
  Beginning & { userId: string; sessionId: string; purpose: SsoProofPurpose },
  SsoBeginning
> = {
  ...ask,
  subject: 'rpc.identity.sso.begin-proof',
  timeout: 15_000,
  onBehalf: true,
};

export interface SsoReturn extends Pick<Call, 'client'> {
  accountId: string;
  origin: string;
  /** The query of the address, with `?`. */
  search: string;
  /** From the cookie. */
  browser: string | null;
}

/** The secret of the new session; none for a proof, which belongs to the session that asked for it. */
export const finishSso: Ask<SsoReturn, { returnTo: string; secret?: string }> = {
  ...ask,
  subject: 'rpc.identity.sso.finish',
  timeout: 30_000,
};
