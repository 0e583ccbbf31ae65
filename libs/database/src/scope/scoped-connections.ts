import type { EventEmitter } from 'node:events';
import type { TimeLimits } from '../limits/time-limits.js';
import { limitsOf } from '../limits/time-limits.js';
import { currentScope, type WorkScope } from './work-scope.js';

interface ScopedClient {
  query: (statement: { name: string; text: string; values: string[] }) => Promise<unknown>;
  release: (error?: Error) => void;
}

/** The part of the driver's pool that is used here. */
export interface ScopedPool extends EventEmitter {
  connect: (...args: unknown[]) => Promise<ScopedClient>;
}

/** The setting that policies read: `current_account()`. */
export const ACCOUNT_SETTING = 'leaver.account';

/** The role without rights of its own that a service's calls assume. It sees only rows of the account in the setting. */
export const callsRoleOf = (role: string): string => `${role}_calls`;

/** Prepared, because it precedes most transactions of calls. The role `none` is the one that has logged in. */
const APPLY = {
  name: 'leaver-scope',
  text: `select set_config('role', $1, false), set_config('${ACCOUNT_SETTING}', $2, false), set_config('statement_timeout', $3, false), set_config('lock_timeout', $4, false)`,
};

/** The role does not exist (22023), or this one may not assume it (42501). */
const NO_ROLE: ReadonlySet<unknown> = new Set(['22023', '42501']);

/**
 * Gives each connection the role, the account and the limits of the work that takes it from the pool, in one statement
 * and only if the connection has others. If that fails, the work fails and the connection is closed: nothing ever runs in the
 * scope of earlier work.
 */
export function scopeConnections(pool: ScopedPool, limits: TimeLimits, loginRole: string): void {
  const connect = pool.connect.bind(pool);
  const valuesOf = (scope: WorkScope): string[] => {
    const { statementMs, lockMs } = limitsOf(scope, limits);
    const accountId = 'accountId' in scope ? scope.accountId : undefined;
    const role = accountId === undefined ? 'none' : callsRoleOf(loginRole);
    return [role, accountId ?? '', String(statementMs), String(lockMs)];
  };
  // Connections begin with the settings of background work.
  const initial = valuesOf({ kind: 'background' }).join();
  const applied = new WeakMap<ScopedClient, string>();
  pool.connect = async (...args) => {
    if (args.length > 0) throw new TypeError('only the form that returns a promise gives a connection its scope');
    const client = await connect();
    const values = valuesOf(currentScope());
    const wanted = values.join();
    if ((applied.get(client) ?? initial) === wanted) return client;
    try {
      await client.query({ ...APPLY, values });
    } catch (error) {
      client.release(error as Error);
      throw explained(error, values[0]!);
    }
    applied.set(client, wanted);
    return client;
  };
}

/** The database has no role for calls, or not the one of this service. */
export class NoCallsRoleError extends Error {
  constructor(role: string, cause: unknown) {
    super(`the database role ${role} is missing: run the jobs \`databases\` and \`migrate\` of this version first`, {
      cause,
    });
  }
}

const explained = (error: unknown, role: string): unknown =>
  NO_ROLE.has((error as { code?: unknown } | null)?.code) ? new NoCallsRoleError(role, error) : error;
