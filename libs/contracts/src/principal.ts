export const ROLES = ['owner', 'admin', 'agent'] as const;
export type Role = (typeof ROLES)[number];

/** Roles that manage the account's people. */
export const MANAGERS = ['owner', 'admin'] as const satisfies readonly Role[];

/** On whose behalf a call is made. The tenant comes from here and from nowhere else. */
export interface Principal {
  accountId: string;
  userId: string;
  roles: readonly Role[];
  /** Absent for an API token. */
  sessionId?: string;
  /** Which program of the account acts, where no user does; `userId` is nobody's then. */
  system?: string;
}

export const isManager = (principal: Pick<Principal, 'roles'>): boolean =>
  principal.roles.some((role) => role === 'owner' || role === 'admin');

/** Who calls a public route: belongs to no account, so that every tenant-scoped query finds nothing. */
export const NOBODY: Principal = Object.freeze({
  accountId: '00000000-0000-0000-0000-000000000000',
  userId: '00000000-0000-0000-0000-000000000000',
  roles: [],
});
