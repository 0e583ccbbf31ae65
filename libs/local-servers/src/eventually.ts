import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  /** Milliseconds until giving up; 10 s by default. */
  timeout?: number;
  /** Milliseconds between two looks; 20 by default. */
  interval?: number;
}

/**
 * Looks again and again until `look` neither throws nor answers something falsy (an answer of `undefined` counts as
 * success, so that a bare `expect` can be used), and gives its answer.
 * @throws the last error of `look` when time is up.
 */
export async function eventually<T>(look: () => T | Promise<T>, { timeout = 10_000, interval = 20 }: WaitOptions = {}) {
  const deadline = performance.now() + timeout;
  for (;;) {
    const seen = await attempt(look);
    if ('value' in seen) return seen.value;
    if (performance.now() >= deadline) throw inTime(seen.error, timeout);
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

function inTime(error: unknown, timeout: number): unknown {
  if (error instanceof Error) error.message = `not within ${timeout} ms: ${error.message}`;
  return error;
}
