/** What an error means for the work that failed. */
export type ErrorClass =
  /** The work is not at fault: run it again soon. */
  | { kind: 'transient'; code: string }
  /** This item is at fault, but may succeed later. */
  | { kind: 'retry'; code: string }
  /** This item cannot succeed without an intervention. */
  | { kind: 'permanent'; code: string };

/** An error that no retry can resolve. Receipts and logs show `code`. */
export abstract class PermanentError extends Error {
  abstract readonly code: string;
}

/**
 * SQLSTATE classes of temporary errors: transaction rollback, connection, resources, and operator intervention, which
 * includes `statement_timeout`.
 */
const TRANSIENT_CLASSES = new Set(['40', '08', '53', '57']);
/** A lock that was not granted within `lock_timeout`, and transactions that were idle or open for too long. */
const TRANSIENT_SQLSTATES = new Set(['55P03', '25P03', '25P04']);
/** Serialization failure and deadlock. */
const RETRYABLE_SQLSTATES = new Set(['40001', '40P01']);
/** Errors of the driver and of Node when a connection is lost or cannot be established. */
const LOST_CONNECTION = /^E(CONN\w+|PIPE|TIMEDOUT|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH)$/;
/** The code of a `Problem`: another service did not answer. */
const UNAVAILABLE = 'service-unavailable';

export function classifyError(error: unknown): ErrorClass {
  if (error instanceof PermanentError) return { kind: 'permanent', code: error.code };
  const code = codeOf(error);
  return { kind: isTemporary(error, code) ? 'transient' : 'retry', code };
}

/** Whether the cause is temporary: an unavailable database or service, or a conflict with concurrent work. */
export const isTransient = (error: unknown): boolean => classifyError(error).kind === 'transient';

/** Whether PostgreSQL asks to run the same transaction again immediately. */
export const isRetryable = (error: unknown): boolean => RETRYABLE_SQLSTATES.has(codeOf(error));

const isTemporary = (error: unknown, code: string): boolean =>
  TRANSIENT_CLASSES.has(code.slice(0, 2)) ||
  TRANSIENT_SQLSTATES.has(code) ||
  LOST_CONNECTION.test(code) ||
  code === UNAVAILABLE ||
  isLostConnection(error);

/** `fetch` reports the connection error only in `cause`. */
function codeOf(error: unknown): string {
  const cause = (error as { cause?: unknown } | null | undefined)?.cause;
  return codeIn(error) ?? codeIn(cause) ?? (error instanceof Error ? error.constructor.name : 'unknown');
}

function codeIn(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The driver and its pool report lost connections without a code. */
const isLostConnection = (error: unknown): boolean =>
  error instanceof Error &&
  /Connection terminated|connection.*closed|is not queryable|timeout exceeded when trying to connect/i.test(
    error.message,
  );
