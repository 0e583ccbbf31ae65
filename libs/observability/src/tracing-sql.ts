import { startSpan, errorCodeOf, type ActiveSpan } from './spans.js';
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

/** Only the beginning of a long statement is parsed. */
const BEGINNING = 4_000;
/** MikroORM inlines values into its statements, so quoted text is removed. */
const LITERAL = /'(?:[^']|'')*(?:'|$)/g;
/** Does not match `for update`, `for no key update` or `do update`. */
const CHANGE = /\b(insert\s+into|delete\s+from|(?<!\b(?:for|key|do)\s+)update)\s+(?:only\s+)?"?([a-z_]\w*)/i;
/** Does not match set-returning functions. */
const SOURCE = /\b(?:from|join)\s+(?!lateral\b|only\b|select\b)"?([a-z_]\w*)\b(?!\s*\()/gi;
/** Names that a `with` clause defines. */
const NAMED = /\b([a-z_]\w*)\s+as\s+(?:(?:not\s+)?materialized\s*)?\(/gi;

/** The operation and the table of a statement: the table that it changes, otherwise the first that it reads. */
export function summaryOf(text: string): { operation: string; table?: string } {
  const statement = text.slice(0, BEGINNING).replace(LITERAL, '');
  const change = CHANGE.exec(statement);
  if (change) return { operation: change[1]!.split(/\s/)[0]!.toUpperCase(), table: change[2] };
  const operation = /[a-z]+/i.exec(statement)?.[0].toUpperCase() ?? 'UNKNOWN';
  const named = new Set(Array.from(statement.matchAll(NAMED), ([, name]) => name));
  const sources = Array.from(statement.matchAll(SOURCE), ([, name]) => name!);
  const table = sources.find((name) => !named.has(name));
  return { operation: operation === 'WITH' ? 'SELECT' : operation, table };
}
