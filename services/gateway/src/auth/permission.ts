import { Problem, type Operation, type Principal } from '#libs/contracts';

/**
 * Requires that the caller has a role that the operation admits and, with an API token, the scope that it needs. Services
 * check what depends on the record.
 * @throws Problem `forbidden`; `second-factor-missing` for a session that may only set one up
 */
export function assertPermitted({ access, scope, openDuringSetUp }: Operation, principal: Principal): void {
  if (principal.secondFactorMissing && !openDuringSetUp)
    throw new Problem('second-factor-missing', { detail: 'The policy of your account asks for a second factor.' });
  if (typeof access !== 'string' && !access.some((role) => principal.roles.includes(role)))
    throw new Problem('forbidden');
  if (scope === 'session' && principal.sessionId === undefined)
    throw new Problem('forbidden', { detail: 'An API token cannot do this. Sign in and use a session.' });
  const { scopes } = principal;
  if (scopes !== undefined && scope !== 'none' && !scopes.some((one) => one === scope))
    throw new Problem('forbidden', { detail: `The API token does not have the scope \`${scope}\`.` });
}
