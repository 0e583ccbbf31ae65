import { ALL_OPERATIONS, PROBLEMS, type Access, type Role } from '#libs/contracts';
import { CALLERS, REFUSED_TOKEN, type Caller } from './matrix.js';
import type { Route } from './routes.js';

/** The callers that have a role. The API token has all scopes, and so its user's permissions. */
const ROLE_OF: Partial<Record<Caller, Role>> = {
  token: 'agent',
  agent: 'agent',
  admin: 'admin',
  owner: 'owner',
  keeper: 'admin',
};
const USERS = Object.keys(ROLE_OF) as Caller[];

/** The callers that are admitted to a record of the keeper. The keeper has granted access to the admin. */
const ADMITTED: Record<Extract<Access, string>, readonly Caller[]> = {
  public: CALLERS,
  'signed-in': USERS,
  'record-owner': ['keeper'],
  'record-owner-or-manager': ['admin', 'owner', 'keeper'],
  'record-grantee': ['admin', 'keeper'],
};

const operations = new Map(ALL_OPERATIONS.map((operation) => [operation.id, operation]));

/** The declared access of an operation, or else the kind of token that the route takes. */
export const accessTo = ({ id, takes }: Route): Access | 'scim' =>
  operations.get(id)?.access ?? (takes === 'scim' ? 'scim' : 'public');

/** The callers that have to be admitted. */
export function admittedTo(route: Route): readonly Caller[] {
  const access = accessTo(route);
  if (access === 'scim') return ['scim'];
  const callers = admittedBy(access, route);
  return operations.get(route.id)?.scope === 'session' ? callers.filter((caller) => caller !== 'token') : callers;
}

function admittedBy(access: Access, route: Route): readonly Caller[] {
  if (typeof access !== 'string') return USERS.filter((caller) => access.includes(ROLE_OF[caller]!));
  return asksForCredentials(route) ? [] : ADMITTED[access];
}

/** Signing in is public, but the test sends invalid credentials. */
const asksForCredentials = ({ id, takes }: Route) =>
  takes === 'nothing' &&
  (operations.get(id)?.errors ?? []).some((code) => PROBLEMS[code][0] === 401 || code === REFUSED_TOKEN);

/** All operations without a token. Listed a second time, so that no operation becomes public by mistake. */
export const WITHOUT_TOKEN = [
  'accounts.create',
  'auth.email-change.confirm',
  'auth.login',
  'auth.passkey.options',
  'auth.password-reset.confirm',
  'auth.password-reset.request',
  'auth.refresh',
  'auth.session.create',
  'auth.sso.backchannel-logout',
  'auth.sso.callback',
  'auth.sso.global-logout',
  'auth.sso.lookup',
  'auth.sso.start',
  'certificates.verify',
  'invitations.accept',
  'public-links.show',
  'scheduler-links.show',
  'system.asyncapi',
  'system.console',
  'system.docs',
  'system.keys',
  'system.links',
  'system.live',
  'system.openapi',
  'system.ready',
];

/** All operations of identity for users who are not managers, listed for the same reason. */
export const IDENTITY_FOR_EVERYBODY = [
  'account.get',
  'auth.logout',
  'auth.session.end',
  'auth.session.get',
  'auth.step-up',
  'departures.handover',
  'me.api-tokens.create',
  'me.api-tokens.list',
  'me.api-tokens.revoke',
  'me.get',
  'me.notification-preferences.get',
  'me.notification-preferences.set',
  'me.passkeys.create',
  'me.passkeys.list',
  'me.passkeys.options',
  'me.passkeys.remove',
  'me.recovery-codes.create',
  'me.sessions.end',
  'me.sessions.list',
  'me.sso.prove',
  'me.totp.confirm',
  'me.totp.create',
  'me.totp.get',
  'me.totp.remove',
  'rules.list',
  'teams.get',
  'teams.list',
  'users.get',
  'users.list',
  'users.update',
];
