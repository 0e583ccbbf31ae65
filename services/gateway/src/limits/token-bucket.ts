import type { Clock } from '#libs/database';

interface Bucket {
  tokens: number;
  at: number;
}

/** Above this number of keys, full buckets are dropped. */
const MAX_KEYS = 10_000;

/** Token buckets by key, refilled at `perMinute` and capped at one minute's worth. */
export class TokenBuckets {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly perMinute: number,
    private readonly clock: Clock,
  ) {}

  /** Seconds until the key has a token; 0 if it has one now. */
  wait(key: string): number {
    const { tokens } = this.fill(key);
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 60) / this.perMinute);
  }

  take(key: string): void {
    const bucket = this.fill(key);
    this.buckets.set(key, { ...bucket, tokens: Math.max(0, bucket.tokens - 1) });
    if (this.buckets.size > MAX_KEYS) this.forgetFull();
  }

  giveBack(key: string): void {
    const bucket = this.fill(key);
    this.buckets.set(key, { ...bucket, tokens: Math.min(this.perMinute, bucket.tokens + 1) });
  }

  private fill(key: string): Bucket {
    const at = this.clock.millis();
    const known = this.buckets.get(key);
    if (!known) return { tokens: this.perMinute, at };
    const gained = ((at - known.at) * this.perMinute) / 60_000;
    return { tokens: Math.min(this.perMinute, known.tokens + gained), at };
  }

  private forgetFull(): void {
    for (const key of this.buckets.keys()) {
      if (this.fill(key).tokens >= this.perMinute) this.buckets.delete(key);
    }
  }
}
