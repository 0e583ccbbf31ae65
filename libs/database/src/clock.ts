/** The only source of time. It is injected everywhere, so that tests can move it, and passed to SQL as a parameter. */
export abstract class Clock {
  abstract now(): Date;
  /** Milliseconds since 1970. */
  millis(): number {
    return this.now().getTime();
  }

  /** Milliseconds since any point. No correction of the machine's clock changes it, so it measures durations. */
  monotonic(): number {
    return performance.now();
  }
}

export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}

/** Runs at normal speed, with an offset that tests can advance. */
export class TestClock extends Clock {
  private offset = 0;
  private readonly listeners = new Set<() => void>();

  now(): Date {
    return new Date(Date.now() + this.offset);
  }

  advance(milliseconds: number): void {
    this.offset += milliseconds;
    for (const listener of this.listeners) listener();
  }

  /** Calls the listener after every advance. */
  onAdvance(listener: () => void): void {
    this.listeners.add(listener);
  }

  advanceDays(days: number): void {
    this.advance(days * 86_400_000);
  }
}
