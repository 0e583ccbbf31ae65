import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Whose rows the statements of some work may use, and which time limits they have. A call for an account uses only the
 * rows of that account: PostgreSQL refuses the others. Calls across accounts and background work use all rows.
 */
export type WorkScope = { kind: 'background' } | CallScope;
export type CallScope = { kind: 'call'; accountId: string } | { kind: 'call'; acrossAccounts: true };

const BACKGROUND: WorkScope = { kind: 'background' };
/** The scope of calls that have to use rows of several accounts, or do not know yet which account it is. */
export const ACROSS_ACCOUNTS: CallScope = { kind: 'call', acrossAccounts: true };

const scopes = new AsyncLocalStorage<WorkScope>();

export const scopeOfAccount = (accountId: string): CallScope => ({ kind: 'call', accountId });

/** The scope of the running work. Work that nobody has called is background work. */
export const currentScope = (): WorkScope => scopes.getStore() ?? BACKGROUND;

/**
 * Runs work for which a caller waits. The scope applies to connections that the work takes from the pool, so it cannot
 * change within a transaction.
 */
export const asCall = <T>(scope: CallScope, work: () => T): T => scopes.run(scope, work);

/** Runs work that is nobody's call, even if a call has started it. */
export const asBackground = <T>(work: () => T): T => scopes.run(BACKGROUND, work);
