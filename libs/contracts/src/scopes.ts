/** What an API token may be used for. A scope restricts what the user's role allows, and never adds to it. */
export const SCOPES = ['read', 'write', 'departures', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The scope that an API token needs for an operation; `session`: no API token may call it; `none`: it takes no token. */
export type TokenScope = Scope | 'session' | 'none';

interface Addressed {
  method: string;
  path: string;
  access: unknown;
}

/** A program that holds a token cannot give itself another one, or vouch for its user. */
const OF_SESSIONS = [
  ['POST', /^\/v1\/me\/api-tokens$/],
  ['POST', /^\/v1\/account\/scim-tokens$/],
  ['POST', /^\/v1\/auth\/step-up$/],
  ['POST', /^\/v1\/me\/sso$/],
  ['PUT', /^\/v1\/account\/sso$/],
  ['DELETE', /^\/v1\/account\/sso$/],
  ['POST', /^\/v1\/me\/(passkeys|totp|recovery-codes)(\/|$)/],
  ['DELETE', /^\/v1\/me\/(passkeys|totp)(\/|$)/],
  ['DELETE', /^\/v1\/users\/:id\/sign-in-methods$/],
  ['DELETE', /^\/v1\/users\/:id\/sso-link$/],
] as const;
/** What a session may do whose user has to set up a second factor first. */
const DURING_SET_UP = [
  /^\/v1\/me$/,
  /^\/v1\/me\/(passkeys|totp|recovery-codes)(\/|$)/,
  /^\/v1\/auth\/(logout|session|step-up)$/,
];
/** Reading these needs `admin`, too. */
const ADMINISTRATION = [
  /^\/v1\/audit(\/|$)/,
  /^\/v1\/account\/scim-tokens(\/|$)/,
  /^\/v1\/account\/sso(\/|$)/,
  /^\/v1\/users\/:id\/api-tokens(\/|$)/,
  /^\/v1\/users\/:id\/export$/,
  /^\/v1\/exports(\/|$)/,
];
/** Everything below a user, except tokens, decides about the user's leaving: also holds, caretakers and what will be added. */
const ABOUT_LEAVING = [/^\/v1\/departures(\/|$)/, /^\/v1\/users\/:id\/.+$/];
const PEOPLE = [
  /^\/v1\/users(\/|$)/,
  /^\/v1\/invitations(\/|$)/,
  /^\/v1\/teams(\/|$)/,
  /^\/v1\/policy(\/|$)/,
  /^\/v1\/account(\/|$)/,
];

/** Derives the scope from method and path. A test lists the result for every operation. */
export function scopeOf({ method, path, access }: Addressed): TokenScope {
  const isIn = (paths: readonly RegExp[]) => paths.some((pattern) => pattern.test(path));
  if (access === 'public') return 'none';
  if (OF_SESSIONS.some(([verb, pattern]) => verb === method && pattern.test(path))) return 'session';
  if (isIn(ADMINISTRATION)) return 'admin';
  if (method === 'GET') return 'read';
  if (isIn(ABOUT_LEAVING) || (method === 'DELETE' && path === '/v1/users/:id')) return 'departures';
  return isIn(PEOPLE) ? 'admin' : 'write';
}

/** Whether a session may call it whose user has to set up a second factor first. */
export const isOpenDuringSetUp = ({ path, access }: Addressed): boolean =>
  access === 'public' || DURING_SET_UP.some((pattern) => pattern.test(path));
