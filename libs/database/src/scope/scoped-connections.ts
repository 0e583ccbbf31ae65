import pg from 'pg';
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { limitsOf, type StatementLimits, type TimeLimits } from '../limits/time-limits.js';
import { ScopedStatements, type Query } from './scoped-statements.js';
import { currentScope, type WorkScope } from './work-scope.js';

interface ScopedClient {
  query: Query;
  connection: { stream: Socket };
}

/** The part of the driver's pool that is used here. */
export interface ScopedPool extends EventEmitter {
  connect: (...args: unknown[]) => Promise<ScopedClient>;
  /** Not part of its public interface. It lends the last one. */
  _idle?: { client: ScopedClient }[];
}

/** The setting that policies read. */
export const ACCOUNT_SETTING = 'leaver.account';

/** The role without rights of its own that a service's calls assume. It sees only rows of the account in the setting. */
export const callsRoleOf = (role: string): string => `${role}_calls`;

/** The settings of a connection. */
interface Settings {
  /** Undefined for the role that has logged in. */
  role?: string;
  /** Only the role of calls reads it. */
  account: string;
  limits: StatementLimits;
}

/**
 * Gives each connection the role, the account and the limits of the work that takes it from the pool, as far as it has
 * others, together with the first statement of the work. If that fails, so does the statement: nothing ever runs in the scope
 * of earlier work.
 */
export function scopeConnections(pool: ScopedPool, limits: TimeLimits, loginRole: string): void {
  const connect = pool.connect.bind(pool);
  const callsRole = callsRoleOf(loginRole);
  const initial: Settings = { account: '', limits: limitsOf({ kind: 'background' }, limits) };
  const statements = new WeakMap<ScopedClient, ScopedStatements<Settings>>();
  pool.on('connect', (client: ScopedClient) => {
    const close = () => void client.connection.stream.destroy();
    const scoped = new ScopedStatements(client.query, initial, (error) => explained(error, callsRole), close);
    client.query = (...args) => scoped.run(args);
    statements.set(client, scoped);
  });
  pool.connect = async (...args) => {
    if (args.length > 0) throw new TypeError('only the form that returns a promise gives a connection its scope');
    const scope = currentScope();
    const wanted: Wanted = { ...wantedFor(scope, callsRole), limits: limitsOf(scope, limits) };
    preferIdle(pool, (client) => changes(statements.get(client)!.settings, wanted).length === 0);
    const client = await connect();
    const { settings } = statements.get(client)!;
    const needed = changes(settings, wanted);
    statements.get(client)!.next(needed, { ...wanted, account: wanted.account ?? settings.account });
    return client;
  };
}

type Wanted = Omit<Settings, 'account'> & Partial<Pick<Settings, 'account'>>;

const wantedFor = (scope: WorkScope, callsRole: string): Omit<Wanted, 'limits'> =>
  'accountId' in scope ? { role: callsRole, account: scope.accountId } : {};

/** The statements that give a connection the settings that it does not have. */
function changes(has: Settings, wanted: Wanted): string[] {
  const { role, account, limits } = wanted;
  return [
    ...(has.role === role ? [] : [`set role ${role === undefined ? 'none' : pg.escapeIdentifier(role)}`]),
    ...(account === undefined || has.account === account
      ? []
      : [`set ${ACCOUNT_SETTING} = ${pg.escapeLiteral(account)}`]),
    ...(has.limits === limits
      ? []
      : [`set statement_timeout = ${limits.statementMs}`, `set lock_timeout = ${limits.lockMs}`]),
  ];
}

/** A call often runs several statements, one after another: the next one need not change another connection. */
function preferIdle({ _idle: idle }: ScopedPool, isFitting: (client: ScopedClient) => boolean): void {
  const at = idle?.findLastIndex(({ client }) => isFitting(client)) ?? -1;
  if (idle && at >= 0) idle.push(...idle.splice(at, 1));
}

/** The database has no role for calls, or not the one of this service. */
export class NoCallsRoleError extends Error {
  constructor(role: string, cause: unknown) {
    super(`the database role ${role} is missing: run the jobs \`databases\` and \`migrate\` of this version first`, {
      cause,
    });
  }
}

const explained = (error: unknown, role: string): unknown => {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string };
  // The role does not exist (22023), or this one may not assume it (42501).
  const isAboutRole = (code === '22023' || code === '42501') && message?.includes(`"${role}"`);
  return isAboutRole ? new NoCallsRoleError(role, error) : error;
};
