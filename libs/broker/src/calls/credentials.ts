import { NOBODY, type Principal } from '#libs/contracts';

const tokens = new WeakMap<Principal, string>();

/** Remembers the verified token that the principal was derived from, so that it can be passed on. */
export function withToken<P extends Principal>(principal: P, token: string): P {
  tokens.set(principal, token);
  return principal;
}

/**
 * The value of the header `authorization` for calls on behalf of this principal; empty for `NOBODY`.
 * @throws TypeError if the principal does not come from a verified token: nobody can call on behalf of somebody they
 * have only heard of
 */
export function authorizationOf(principal: Principal): string {
  if (principal === NOBODY) return '';
  const token = tokens.get(principal);
  if (token === undefined) throw new TypeError('the principal does not come from a verified token');
  return `Bearer ${token}`;
}
