import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { currentScope, type WorkScope } from '../scope/work-scope.js';
import { summaryOf } from './statement-summary.js';

/** How long a statement may run, and how long it may wait for each lock. Milliseconds; 0 is without a limit. */
export interface StatementLimits {
  statementMs: number;
  lockMs: number;
}

/** The limits of a service's connections. A call has a caller who waits; background work has time. */
export interface TimeLimits {
  call: StatementLimits;
  background: StatementLimits;
  /** Milliseconds that a transaction may be open without running a statement. */
  idleInTransactionMs: number;
}

export const DEFAULT_TIME_LIMITS: TimeLimits = {
  call: { statementMs: 30_000, lockMs: 10_000 },
  background: { statementMs: 300_000, lockMs: 60_000 },
  idleInTransactionMs: 60_000,
};

/** PostgreSQL has cancelled a statement (57014), or has not got a lock in time (55P03). */
const LIMIT_SQLSTATES: ReadonlySet<unknown> = new Set(['57014', '55P03']);
/** Milliseconds and share of the limit that the server has to answer that it has cancelled a statement. */
const GRACE_MS = 1_000;
const GRACE = 0.2;

/** The server has not answered, not even that it has cancelled the statement. The connection is closed. */
export class SilentDatabaseError extends Error {
  readonly code = 'ETIMEDOUT';
  /** The table of the statement, if it is known. */
  readonly table?: string;

  constructor(statement: string, milliseconds: number) {
    super(`the database did not answer within ${milliseconds} ms`);
    this.table = summaryOf(statement).table;
  }
}

/** Whether a statement has run into a limit of its time, or the server has not answered it. */
export const isTimeLimit = (error: unknown): boolean =>
  error instanceof SilentDatabaseError || LIMIT_SQLSTATES.has((error as { code?: unknown } | null)?.code);

export const limitsOf = ({ kind }: WorkScope, limits: TimeLimits): StatementLimits => limits[kind];

/**
 * The settings with which a connection begins. They are those of background work; `scopeConnections` changes them.
 * A lost server is noticed after 40 s by a connection that waits for it (the keepalive of Node.js probes ten times, once a
 * second).
 */
export const connectionSettings = ({ background, idleInTransactionMs }: TimeLimits) => ({
  keepAlive: true,
  keepAliveInitialDelayMillis: 30_000,
  // Also the time for which work waits for a free connection of the pool.
  connectionTimeoutMillis: 30_000,
  statement_timeout: background.statementMs,
  lock_timeout: background.lockMs,
  idle_in_transaction_session_timeout: idleInTransactionMs,
});

/** The server notices a lost client within a minute, and releases its locks. */
export const SERVER_KEEPALIVE =
  'set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3; set tcp_user_timeout = 60000';

interface WatchedClient extends EventEmitter {
  query: (...args: unknown[]) => unknown;
  connection: { stream: Socket };
}

/**
 * Closes connections whose server has vanished, for example behind a firewall that drops packets: TCP alone notices that
 * after a quarter of an hour. Also names the table in the errors of statements that were cancelled.
 */
export function watchStatements(client: WatchedClient, limits: TimeLimits): void {
  // Read at each call: traces and tests replace the method of the driver's class.
  const query = (args: unknown[]) => (Object.getPrototypeOf(client) as WatchedClient).query.apply(client, args);
  let lost: SilentDatabaseError | undefined;
  const onSilence = (error: SilentDatabaseError) => {
    lost = error;
    client.connection.stream.destroy();
  };
  client.query = (...args) => {
    // The driver would only say that the connection is closed.
    if (lost) return Promise.reject(lost);
    const answer = query(args);
    if (!(answer instanceof Promise)) return answer;
    const text = typeof args[0] === 'string' ? args[0] : ((args[0] as { text?: string } | undefined)?.text ?? '');
    return watched(answer, text, limitsOf(currentScope(), limits).statementMs, onSilence);
  };
}

function watched(
  answer: Promise<unknown>,
  text: string,
  limitMs: number,
  onSilence: (error: SilentDatabaseError) => void,
): Promise<unknown> {
  const named = answer.catch((error: unknown) => {
    throw nameTable(error, text);
  });
  if (limitMs === 0) return named;
  const silentMs = Math.ceil(limitMs * (1 + GRACE)) + GRACE_MS;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = new SilentDatabaseError(text, silentMs);
      reject(error);
      onSilence(error);
    }, silentMs);
    named.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** PostgreSQL does not say which table a cancelled statement was about. */
function nameTable(error: unknown, text: string): unknown {
  if (!isTimeLimit(error)) return error;
  const failed = error as { table?: string };
  failed.table ??= summaryOf(text).table;
  return failed;
}
