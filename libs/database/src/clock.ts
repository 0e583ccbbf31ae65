/** The time of the whole product. Injected everywhere, so that a test can move it; SQL gets it as a parameter. */
export abstract class Clock {
  abstract now(): Date;
  /** Milliseconds since 1970. */
  millis(): number {
    return this.now().getTime();
  }
}

export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}

/** Stands still or runs on from where it was put. */
export class TestClock extends Clock {
  private offset = 0;

  now(): Date {
    return new Date(Date.now() + this.offset);
  }

  advance(milliseconds: number): void {
    this.offset += milliseconds;
  }

  advanceDays(days: number): void {
    this.advance(days * 86_400_000);
  }
}
