import type { Scope } from './scopes.js';

export const ROLES = ['owner', 'admin', 'agent'] as const;
export type Role = (typeof ROLES)[number];

/** Roles that manage the account's people. */
export const MANAGERS = ['owner', 'admin'] as const satisfies readonly Role[];

/** On whose behalf a call is made. It is the only source of the tenant. */
export interface Principal {
  accountId: string;
  userId: string;
  roles: readonly Role[];
  /** Absent for an API token. */
  sessionId?: string;
  /** The policy asks for a second factor that the user of this session lacks: the session may only set one up. */
  secondFactorMissing?: true;
  /** What the API token may be used for; absent for a session. */
  scopes?: readonly Scope[];
  /** The program of the account that acts when no user does. `userId` is then the id of no user. */
  system?: string;
}

export const isManager = (principal: Pick<Principal, 'roles'>): boolean =>
  principal.roles.some((role) => role === 'owner' || role === 'admin');

/** The caller of a public route. It belongs to no account, so tenant-scoped queries find nothing. */
export const NOBODY: Principal = Object.freeze({
  accountId: '00000000-0000-0000-0000-000000000000',
  userId: '00000000-0000-0000-0000-000000000000',
  roles: [],
});
