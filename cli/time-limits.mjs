import { usageError } from './exit-codes.mjs';

/**
 * How long a command waits, in milliseconds.
 * @typedef {object} TimeLimits
 * @property {number} answer for the response to one request
 * @property {number} progress without progress of what it watches
 */

/**
 * The limits without --timeout. A rule with millions of rows shows no progress for minutes.
 * @type {TimeLimits}
 */
export const DEFAULT_LIMITS = { answer: 30_000, progress: 600_000 };
/** Seconds; a timer cannot wait much longer. */
const MAX_TIMEOUT = 1_000_000;

/**
 * The value of --timeout sets both limits.
 * @param {string | undefined} seconds
 * @returns {TimeLimits}
 */
export function timeLimitsIn(seconds) {
  if (seconds === undefined) return DEFAULT_LIMITS;
  const value = Number(seconds);
  if (!/^\d+(\.\d+)?$/.test(seconds) || value <= 0 || value > MAX_TIMEOUT)
    throw usageError(`--timeout is a number of seconds above 0, at most ${MAX_TIMEOUT}.`);
  return { answer: value * 1_000, progress: value * 1_000 };
}

/** @param {number} milliseconds */
export const inSeconds = (milliseconds) => `${milliseconds / 1_000} s`;

/** Detects that a state has not changed for too long. */
export class StallDetector {
  #state = '';
  #since = performance.now();

  /** @param {number} limit milliseconds */
  constructor(limit) {
    this.limit = limit;
  }

  /**
   * Whether the state has not changed for longer than the limit.
   * @param {unknown} state
   */
  isStalled(state) {
    const text = JSON.stringify(state);
    if (text !== this.#state) this.#since = performance.now();
    this.#state = text;
    return performance.now() - this.#since > this.limit;
  }
}
