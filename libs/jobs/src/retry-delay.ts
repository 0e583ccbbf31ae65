import { sql, type RawBuilder } from 'kysely';

/** Milliseconds until the next attempt, by the retries made so far. After the last one the item has failed. */
export const RETRY_DELAYS_MS = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000];

/** For work to which the common delays do not fit. Say why beside it. */
export interface RetryPolicy {
  /** Milliseconds until the next attempt, by the retries made so far. */
  delaysMs: readonly number[];
  /** Retries after which there is no other; one for each delay by default. Beyond the last delay, that one stays. */
  retryLimit?: number;
  /** Share of a delay that is added at random, so that what failed together does not come back together. */
  jitter?: number;
}

/**
 * Milliseconds until the next attempt; undefined after the last one.
 * @param retryCount attempts made so far, without the first one
 * @param random a number in [0, 1), for jitter
 */
export function retryDelay(
  retryCount: number,
  { delaysMs, retryLimit = delaysMs.length, jitter = 0 }: RetryPolicy = { delaysMs: RETRY_DELAYS_MS },
  random = 0,
): number | undefined {
  if (retryCount >= retryLimit) return undefined;
  return delaysMs[Math.min(retryCount, delaysMs.length - 1)]! * (1 + jitter * random);
}

/**
 * SQL condition: a row with `due_at` and `attempts` may be tried now. It is due, or its `due_at` lies further ahead than
 * its delay allows. In that case the clock was ahead when the row was rescheduled and has been corrected since.
 */
export const isDue = (now: Date): RawBuilder<unknown> => sql`
  (due_at <= ${now} or (due_at < 'infinity' and due_at > ${now}::timestamptz
    + (${[0, ...RETRY_DELAYS_MS]}::float8[])[least(attempts, ${RETRY_DELAYS_MS.length}) + 1] * interval '1 ms'))`;
