const MINUTE_MS = 60_000;

/** What a client may know about a limit. */
export interface Verdict {
  allowed: boolean;
  /** Seconds until it is allowed; 0 if it is. */
  retryAfter: number;
  /** How many more are allowed now. */
  remaining: number;
  /** Seconds until all are allowed again. */
  reset: number;
}

/**
 * A rate per minute, with up to one minute's worth at once (GCRA). Its state is one number for each key: the moment in
 * milliseconds at which all of the minute's worth is available again. Each use moves it forward by `step`.
 */
export class Rate {
  readonly step: number;

  constructor(readonly perMinute: number) {
    this.step = MINUTE_MS / perMinute;
  }

  /** The state after so many uses; a negative number gives uses back. */
  after(until: number, uses: number, now: number): number {
    return Math.max(until, now) + uses * this.step;
  }

  allows(until: number, now: number): boolean {
    return this.after(until, 1, now) - now <= MINUTE_MS;
  }

  /** @param until the state after the use, or before one that was refused */
  verdict(allowed: boolean, until: number, now: number): Verdict {
    const ahead = Math.max(0, until - now);
    const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1_000));
    return {
      allowed,
      retryAfter: allowed ? 0 : seconds(ahead + this.step - MINUTE_MS),
      remaining: allowed ? Math.max(0, Math.floor((MINUTE_MS - ahead) / this.step)) : 0,
      reset: ahead === 0 ? 0 : seconds(ahead),
    };
  }
}
