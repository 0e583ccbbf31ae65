import { ALL_OPERATIONS, PROBLEMS, type Access, type Role } from '#libs/contracts';
import { CALLERS, type Caller } from './matrix.js';
import type { Route } from './routes.js';

/** The roles of those who have any. An API token may do what its user may. */
const ROLE_OF: Partial<Record<Caller, Role>> = {
  token: 'agent',
  agent: 'agent',
  admin: 'admin',
  owner: 'owner',
  keeper: 'admin',
};
const USERS = Object.keys(ROLE_OF) as Caller[];

/** Who is let in at a record of the keeper's. The admin has been granted what the keeper grants to anybody. */
const ADMITTED: Record<Extract<Access, string>, readonly Caller[]> = {
  public: CALLERS,
  'signed-in': USERS,
  'record-owner': ['keeper'],
  'record-owner-or-manager': ['admin', 'owner', 'keeper'],
  'record-grantee': ['admin', 'keeper'],
};

const operations = new Map(ALL_OPERATIONS.map((operation) => [operation.id, operation]));

/** What is declared about who may call: for an operation its own words, else whose token the route takes. */
export const accessTo = ({ id, takes }: Route): Access | 'scim' =>
  operations.get(id)?.access ?? (takes === 'scim' ? 'scim' : 'public');

/** Who has to be let in, and nobody else. */
export function admittedTo(route: Route): readonly Caller[] {
  const access = accessTo(route);
  if (access === 'scim') return ['scim'];
  if (typeof access !== 'string') return USERS.filter((caller) => access.includes(ROLE_OF[caller]!));
  return asksForCredentials(route) ? [] : ADMITTED[access];
}

/** Signing in is open to the world, but the credentials of the test are nobody's. */
const asksForCredentials = ({ id, takes }: Route) =>
  takes === 'nothing' && (operations.get(id)?.errors ?? []).some((code) => PROBLEMS[code][0] === 401);

/** Everything that takes no token. It is written down here once more, so that nothing is opened to the world by a slip. */
export const WITHOUT_TOKEN = [
  'accounts.create',
  'auth.login',
  'auth.password-reset.confirm',
  'auth.password-reset.request',
  'auth.refresh',
  'invitations.accept',
  'public-links.show',
  'scheduler-links.show',
  'system.asyncapi',
  'system.docs',
  'system.keys',
  'system.links',
  'system.live',
  'system.metrics',
  'system.openapi',
  'system.ready',
];

/** What identity, which decides about people, offers to users who are no managers; here for the same reason. */
export const IDENTITY_FOR_EVERYBODY = [
  'account.get',
  'auth.logout',
  'me.api-tokens.create',
  'me.api-tokens.list',
  'me.api-tokens.revoke',
  'me.get',
  'me.sessions.end',
  'me.sessions.list',
  'rules.list',
  'teams.get',
  'teams.list',
  'users.get',
  'users.list',
  'users.update',
];
