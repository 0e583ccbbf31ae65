import { Problem } from '#libs/contracts';

interface QueueOptions {
  /** How many may run at once. */
  atOnce: number;
  /** How many more may wait. */
  waiting: number;
}

const RETRY_AFTER_S = 2;

/**
 * Bounds the work on passwords in this process: each takes tens of milliseconds of a core and as many megabytes, and the
 * thread pool that it runs in also signs tokens.
 */
export class PasswordQueue {
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(private readonly options: QueueOptions) {}

  /** @throws Problem `service-unavailable` if too many wait already; nothing has been done then */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.turn();
    try {
      return await work();
    } finally {
      this.pass();
    }
  }

  private turn(): Promise<void> | undefined {
    if (this.running < this.options.atOnce) {
      this.running++;
      return undefined;
    }
    if (this.waiting.length >= this.options.waiting) {
      const detail = 'Too many passwords are being checked. Try again in a moment.';
      throw new Problem('service-unavailable', { service: 'identity', detail, retryAfter: RETRY_AFTER_S });
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Gives the place to the one who has waited longest. */
  private pass(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running--;
  }
}
