/** Milliseconds until the next attempt, by the number of retries so far. After the last one the item has failed. */
export const RETRY_DELAYS_MS = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000];

/** For work that needs other delays than the common ones. Give the reason in a comment. */
export interface RetryPolicy {
  /** Milliseconds until the next attempt, by the number of retries so far. */
  delaysMs: readonly number[];
  /** Maximum number of retries. Default: one per delay. With a higher limit, the last delay repeats. */
  retryLimit?: number;
  /** Share of a delay that is added at random, so that items that failed together are not retried together. */
  jitter?: number;
}

/**
 * Milliseconds until the next attempt, or undefined after the last one.
 * @param retryCount number of attempts so far, without the first one
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
