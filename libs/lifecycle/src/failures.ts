import { sql } from 'kysely';
import type { Sql } from './relation.js';
import { UnknownAction } from './rule-set.js';
import { StepBlocked } from './runner.js';
import { NoFirstAdmin } from './successors.js';

/** What an error means for the events that it struck. */
export type ErrorClass =
  /** Nothing is wrong with the events: all of them again, soon. */
  | { kind: 'transient'; code: string }
  /** This event is the offender; it may work later. */
  | { kind: 'retry'; code: string }
  /** This event cannot work until somebody changes something. */
  | { kind: 'give-up'; code: string };

/** Classes of SQLSTATE that pass by themselves: transaction rollback, connection, resources, operator intervention. */
const TRANSIENT_CLASSES = new Set(['40', '08', '53', '57']);
/** Errors of the driver's own when a connection is gone. */
const LOST_CONNECTION = /ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|ENOTFOUND/;

/** Milliseconds until the next try, by the tries already made. After the last one the event has failed. */
export const RETRY_DELAYS_MS = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000];

export function classifyError(error: unknown): ErrorClass {
  if (error instanceof NoFirstAdmin) return { kind: 'retry', code: 'no-first-admin' };
  if (error instanceof StepBlocked) return { kind: 'give-up', code: `blocked:${error.ruleId}` };
  if (error instanceof UnknownAction) return { kind: 'give-up', code: 'invalid-action' };
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

/** The pool reports a connection that broke under a query without a code. */
const isLostConnection = (error: unknown): boolean =>
  error instanceof Error && /Connection terminated|connection.*closed/i.test(error.message);

/**
 * Whether a row with `due_at` and `attempts` may be tried: its time has come, or it would have to wait for longer than it
 * was put off. Then the clock that put it off was ahead, and is no more.
 */
export const dueAtOrBefore = (now: Date): Sql => sql`
  (due_at <= ${now} or (due_at < 'infinity' and due_at > ${now}::timestamptz
    + (${[0, ...RETRY_DELAYS_MS]}::float8[])[least(attempts, ${RETRY_DELAYS_MS.length}) + 1] * interval '1 ms'))`;
