/** Work took longer than its timeout. */
export class TimeoutError extends Error {
  readonly code = 'timeout';

  constructor(what: string, milliseconds: number) {
    super(`${what} took longer than ${milliseconds} ms`);
  }
}

/**
 * Waits for `work`, but at most this many milliseconds. The work itself continues: only its owner can stop it.
 * @throws TimeoutError
 */
export async function withTimeout<T>(work: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(what, milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** Like `withTimeout`, if a timeout is not an error. @returns whether the work has ended */
export async function endsWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const ended = work.then(() => true);
  return withTimeout(ended, milliseconds, '').catch((error: unknown) => {
    if (error instanceof TimeoutError) return false;
    throw error;
  });
}
