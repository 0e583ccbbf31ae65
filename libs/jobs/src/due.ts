import { sql, type RawBuilder } from 'kysely';
import { RETRY_DELAYS_MS, type RetryPolicy } from './retry-delay.js';

/** Milliseconds by which the clocks of two replicas may differ. Within them one never takes over what another holds. */
const CLOCK_TOLERANCE_MS = 60_000;

export interface DueRow {
  /** Name of the column that holds when the row is due, or until when it is leased. */
  dueAt?: string;
  /** Name of the column that counts the attempts. */
  attempts?: string;
  retry?: RetryPolicy;
  /** Milliseconds of a lease that is kept in the same column. */
  leaseMs?: number;
  /** Milliseconds, as SQL, by which rows are put off for other reasons than a failure. */
  usualMs?: RawBuilder<unknown>;
}

/**
 * SQL condition: a row with `due_at` and `attempts` may be tried now. It is due, or its `due_at` lies further ahead than
 * lease and delay allow. In that case the clock was ahead when the row was rescheduled and has been corrected since.
 */
export function isDue(now: Date, row: DueRow = {}): RawBuilder<unknown> {
  const { dueAt = 'due_at', attempts = 'attempts', retry = { delaysMs: RETRY_DELAYS_MS }, leaseMs = 0, usualMs } = row;
  const longest = retry.delaysMs.map((delay) => Math.max(delay * (1 + (retry.jitter ?? 0)), leaseMs));
  const allowed = sql`(${[leaseMs, ...longest]}::float8[])[least(${sql.ref(attempts)}, ${longest.length}::int) + 1]`;
  return passed(now, dueAt, usualMs ? sql`greatest(${allowed}, ${usualMs})` : allowed);
}

/**
 * SQL condition: the time in the column has passed. It was set to at most `longestMs` ahead, so one that lies further ahead
 * comes from a clock that was ahead, and counts as passed.
 */
export const isPast = (now: Date, column: string, longestMs: number): RawBuilder<unknown> =>
  passed(now, column, sql`${longestMs}::float8`);

function passed(now: Date, column: string, allowedMs: RawBuilder<unknown>): RawBuilder<unknown> {
  const at = sql.ref(column);
  return sql`
    (${at} <= ${now} or (${at} < 'infinity' and ${at} > ${now}::timestamptz
      + (${allowedMs} + ${CLOCK_TOLERANCE_MS}::float8) * interval '1 ms'))`;
}
