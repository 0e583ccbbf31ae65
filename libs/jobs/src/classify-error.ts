import { sql, type RawBuilder } from 'kysely';

/** What an error means for the work that it stopped. */
export type ErrorClass =
  /** The work is not at fault: run all of it again soon. */
  | { kind: 'transient'; code: string }
  /** This item is at fault, and may succeed later. */
  | { kind: 'retry'; code: string }
  /** This item cannot succeed until somebody changes something. */
  | { kind: 'permanent'; code: string };

/** An error that no retry can cure. `code` is what receipts and logs show. */
export abstract class PermanentError extends Error {
  abstract readonly code: string;
}

/** SQLSTATE classes that pass by themselves: transaction rollback, connection, resources, operator intervention. */
const TRANSIENT_CLASSES = new Set(['40', '08', '53', '57']);
/** Errors of the driver and of Node when a connection is lost. */
const LOST_CONNECTION = /ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|ENOTFOUND/;

/** Milliseconds until the next attempt, indexed by the attempts already made. After the last one the item has failed. */
export const RETRY_DELAYS_MS = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000];

export function classifyError(error: unknown): ErrorClass {
  if (error instanceof PermanentError) return { kind: 'permanent', code: error.code };
  const code = codeOf(error);
  if (TRANSIENT_CLASSES.has(code.slice(0, 2)) || LOST_CONNECTION.test(code) || isLostConnection(error))
    return { kind: 'transient', code };
  return { kind: 'retry', code };
}

export const retryDelay = (attempts: number): number | undefined => RETRY_DELAYS_MS[attempts];

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : error instanceof Error ? error.constructor.name : 'unknown';
}

/** The pool reports a connection that broke during a query without a code. */
const isLostConnection = (error: unknown): boolean =>
  error instanceof Error && /Connection terminated|connection.*closed/i.test(error.message);

/**
 * SQL condition: a row with `due_at` and `attempts` may be tried now. It is due, or its `due_at` lies further ahead than
 * its delay allows. In that case the clock was ahead when the row was rescheduled and has been corrected since.
 */
export const isDue = (now: Date): RawBuilder<unknown> => sql`
  (due_at <= ${now} or (due_at < 'infinity' and due_at > ${now}::timestamptz
    + (${[0, ...RETRY_DELAYS_MS]}::float8[])[least(attempts, ${RETRY_DELAYS_MS.length}) + 1] * interval '1 ms'))`;
