import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  /** Milliseconds until the timeout. Default: 10,000. */
  timeout?: number;
  /** Milliseconds between two attempts. Default: 20. */
  interval?: number;
}

/**
 * Calls `look` repeatedly until it neither throws nor returns a falsy value, and returns its result. `undefined` counts
 * as success, so that `look` can be a bare `expect`.
 * @throws the last error of `look` on timeout
 */
export async function eventually<T>(look: () => T | Promise<T>, { timeout = 10_000, interval = 20 }: WaitOptions = {}) {
  const deadline = performance.now() + timeout;
  for (;;) {
    const seen = await attempt(look);
    if ('value' in seen) return seen.value;
    if (performance.now() >= deadline) throw withTimeoutMessage(seen.error, timeout);
    await pause(interval);
  }
}

async function attempt<T>(look: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    const value = await look();
    return value || value === undefined ? { value } : { error: new Error(`it stayed ${JSON.stringify(value)}`) };
  } catch (error) {
    return { error };
  }
}

function withTimeoutMessage(error: unknown, timeout: number): unknown {
  if (error instanceof Error) error.message = `not within ${timeout} ms: ${error.message}`;
  return error;
}
