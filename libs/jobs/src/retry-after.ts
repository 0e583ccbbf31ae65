/** Longer than that nobody is waited for, whatever they ask. */
export const RETRY_AFTER_LIMIT_MS = 3_600_000;

/** Answers with which `Retry-After` asks to come back later: too many requests, and not available for now. */
const ASKS_TO_WAIT = new Set([429, 503]);

/**
 * Milliseconds for which an HTTP answer asks to be left alone, an hour at most: its `Retry-After` in seconds or as an HTTP
 * date (RFC 9110). 0 for other statuses, and for a value that is neither or lies in the past.
 */
export function retryAfterMs(status: number, header: string | null | undefined, now: Date): number {
  const value = header?.trim();
  if (!value || !ASKS_TO_WAIT.has(status)) return 0;
  const asked = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now.getTime();
  return asked > 0 ? Math.min(asked, RETRY_AFTER_LIMIT_MS) : 0;
}
