import { describe, expect, it } from '@jest/globals';
import { RETRY_AFTER_LIMIT_MS, retryAfterMs } from './retry-after.js';

const now = new Date('2026-11-30T12:00:00Z');

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Mon, 30 Nov 2026 12:05:00 GMT', 300_000],
    ['86400', RETRY_AFTER_LIMIT_MS],
    ['99999999999999999999999999', RETRY_AFTER_LIMIT_MS],
    ['Mon, 30 Nov 2026 11:05:00 GMT', 0],
    ['0', 0],
    ['-5', 0],
    ['soon', 0],
    ['', 0],
    [undefined, 0],
    [null, 0],
  ])('of %p asks to wait %p ms', (header, expected) => {
    expect(retryAfterMs(429, header, now)).toBe(expected);
    expect(retryAfterMs(503, header, now)).toBe(expected);
  });

  it('counts with 429 and 503 only', () => {
    expect([200, 301, 404, 500, 502].map((status) => retryAfterMs(status, '120', now))).toEqual([0, 0, 0, 0, 0]);
  });
});
