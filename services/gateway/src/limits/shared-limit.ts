import type { Clock } from '#libs/database';
import { createHash } from 'node:crypto';
import type { CounterStore } from './counter-store.js';
import { Rate, type Verdict } from './rate.js';

/** Above this number of keys, those without meaning are dropped, and then the oldest. */
const MAX_KEYS = 10_000;
/** The share of a minute's worth that a gateway may count on its own before it tells the others. */
const SLICE = 0.05;
/** Without the store each gateway allows this part, because there may be others. */
const ALONE = 0.25;
/** Milliseconds for which a refusal is repeated without asking the store. */
const REFUSAL_HOLDS_MS = 500;

interface Known {
  until: number;
  /** Uses that the store does not know of. */
  unsaved: number;
  /** When the store refused. */
  refusedAt: number;
  saving: boolean;
}

interface Waiting {
  uses: 1 | -1;
  resolve: (verdict: Verdict) => void;
  reject: (error: unknown) => void;
}

/**
 * A limit per minute for each key, shared by all gateways. `take` asks the store each time, for what is rare and must be
 * exact; `count` never waits and lets the gateways exceed the limit by a slice each. While the store is not available, both
 * use a stricter limit in this process.
 */
export class SharedLimit {
  private readonly rate: Rate;
  private readonly strict: Rate;
  private readonly known = new Map<string, Known>();
  private readonly queues = new Map<string, Waiting[]>();

  /** @param name tells limits apart in the store and in `RateLimit` headers */
  constructor(
    readonly name: string,
    readonly perMinute: number,
    private readonly store: CounterStore,
    private readonly clock: Clock,
  ) {
    this.rate = new Rate(perMinute);
    this.strict = new Rate(Math.max(1, perMinute * ALONE));
  }

  /** Uses one, unless the limit is reached. */
  take(key: string): Promise<Verdict> {
    const now = this.clock.millis();
    const { until, refusedAt } = this.find(key);
    const refused = now - refusedAt < REFUSAL_HOLDS_MS && !this.rate.allows(until, now);
    return refused ? Promise.resolve(this.rate.verdict(false, until, now)) : this.submit(key, 1);
  }

  /** Gives back what `take` has used. */
  async giveBack(key: string): Promise<void> {
    await this.submit(key, -1);
  }

  /** Whether one more would be allowed, as far as this gateway knows. */
  peek(key: string): Verdict {
    const now = this.clock.millis();
    const { until } = this.find(key);
    return this.current.verdict(this.current.allows(until, now), until, now);
  }

  /** Uses one at once, unless the limit is reached as far as this gateway knows. */
  count(key: string): Verdict {
    const now = this.clock.millis();
    const known = this.find(key);
    const rate = this.current;
    if (!rate.allows(known.until, now)) return rate.verdict(false, known.until, now);
    // What a key has used before it was idle for a minute has no meaning.
    if (known.until <= now) known.unsaved = 0;
    known.until = rate.after(known.until, 1, now);
    known.unsaved++;
    this.keep(key, known);
    if (known.unsaved >= this.perMinute * SLICE && !known.saving)
      // The store reports its own failures, and the next use saves again.
      this.save(key, known).catch(() => (known.saving = false));
    return rate.verdict(true, known.until, now);
  }

  private get current(): Rate {
    return this.store.down ? this.strict : this.rate;
  }

  private async save(key: string, known: Known): Promise<void> {
    known.saving = true;
    const uses = known.unsaved;
    known.unsaved = 0;
    const stored = await this.store.change(this.storeKey(key), (until) =>
      this.rate.after(until, uses, this.clock.millis()),
    );
    known.saving = false;
    if (stored !== undefined) known.until = this.rate.after(stored, known.unsaved, this.clock.millis());
  }

  /** Requests for one key that come while the store is asked share the next question. */
  private submit(key: string, uses: 1 | -1): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      const queue = this.queues.get(key);
      if (queue) return void queue.push({ uses, resolve, reject });
      const first: Waiting[] = [{ uses, resolve, reject }];
      this.queues.set(key, first);
      this.work(key, first).catch((error: unknown) => {
        this.queues.delete(key);
        for (const { reject } of first) reject(error);
      });
    });
  }

  private async work(key: string, queue: Waiting[]): Promise<void> {
    // What is being decided stays in the queue, so that an error reaches it.
    while (queue.length > 0) {
      const batch = [...queue];
      let verdicts: Verdict[] = [];
      const decide = (rate: Rate) => (stored: number) => {
        const now = this.clock.millis();
        let until = stored;
        verdicts = batch.map(({ uses }) => {
          const allowed = uses < 0 || rate.allows(until, now);
          if (allowed) until = rate.after(until, uses, now);
          return rate.verdict(allowed, until, now);
        });
        return until;
      };
      const known = this.find(key);
      const stored = await this.store.change(this.storeKey(key), decide(this.rate));
      known.until = stored ?? decide(this.strict)(known.until);
      known.refusedAt = verdicts.some(({ allowed }) => !allowed) ? this.clock.millis() : -Infinity;
      this.keep(key, known);
      queue.splice(0, batch.length).forEach(({ resolve }, at) => resolve(verdicts[at]!));
    }
    this.queues.delete(key);
  }

  /** Addresses and emails are not readable in the broker. */
  private storeKey(key: string): string {
    return `${this.name}.${createHash('sha256').update(key).digest('base64url')}`;
  }

  private find(key: string): Known {
    return this.known.get(key) ?? { until: 0, unsaved: 0, refusedAt: -Infinity, saving: false };
  }

  private keep(key: string, known: Known): void {
    if (this.known.size >= MAX_KEYS && !this.known.has(key)) this.forget();
    this.known.set(key, known);
  }

  private forget(): void {
    const now = this.clock.millis();
    for (const [key, { until }] of this.known) if (until <= now) this.known.delete(key);
    for (const key of this.known.keys()) {
      if (this.known.size < MAX_KEYS * 0.9) return;
      this.known.delete(key);
    }
  }
}
