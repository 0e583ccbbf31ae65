import { startSpan, errorCodeOf, type ActiveSpan } from './spans.js';
import { summaryOf } from '#libs/database';
import { traceparent } from './work-context.js';
import pg from 'pg';

type Query = (this: pg.Client, ...args: unknown[]) => unknown;

/**
 * Creates a span for each statement that belongs to a trace, whether MikroORM, Kysely or a client of our own runs it,
 * because all of them use this method of the driver.
 * @returns a function that restores the driver's method
 */
export function traceStatements(): () => void {
  // The driver types it as several overloads, which no single function matches.
  const client = pg.Client.prototype as unknown as { query: Query };
  const { query } = client;
  client.query = function (...args) {
    const span = beginStatement(this, args);
    if (!span) return query.apply(this, args);
    return ended(span, query.apply(this, args));
  };
  return () => void (client.query = query);
}

/**
 * Starts a span only for calls that return a promise, because only those show when a statement ends. Streams and
 * callbacks, with which the driver's pool connects, are left out.
 */
function beginStatement(client: pg.Client, args: readonly unknown[]): ActiveSpan | undefined {
  const parent = traceparent();
  const text = typeof args[0] === 'string' ? args[0] : (args[0] as { text?: unknown } | undefined)?.text;
  if (!parent || typeof text !== 'string' || typeof args.at(-1) === 'function') return undefined;
  const { operation, table } = summaryOf(text);
  const name = table ? `${operation} ${table}` : operation;
  const attributes = {
    'db.system.name': 'postgresql',
    'db.namespace': (client as { database?: string }).database ?? '',
    'db.operation.name': operation,
    'db.query.summary': name,
    ...(table && { 'db.collection.name': table }),
  };
  return startSpan({ name, kind: 'client', parent, attributes });
}

function ended(span: ActiveSpan, result: unknown): unknown {
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  result.then(
    () => span.end(),
    (error: unknown) => {
      const failure = errorCodeOf(error);
      span.set({ 'db.response.status_code': failure });
      span.end(failure);
    },
  );
  return result;
}
