import { isConnected, NATS, openBucket } from '#libs/broker';
import { RATE_LIMIT_BUCKET } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Log, Metrics, safeErrorFields } from '#libs/observability';
import { Inject, Injectable } from '@nestjs/common';
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';

const TIMEOUT_MS = 500;
/** After a failure the store is left alone for so long, so that requests do not wait for it one by one. */
const PAUSE_MS = 1_000;
/** More gateways that write the same key at the same moment do not occur; without a limit a defect would loop. */
const MAX_CONFLICTS = 20;
/** Another gateway was faster. */
const CONFLICTS: readonly number[] = [
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
];

/** The states of rates that all gateways share, in a bucket of the broker. They are kept in its memory only. */
@Injectable()
export class CounterStore {
  private bucket?: Promise<KV>;
  private failedAt = -Infinity;
  private readonly seconds: ReturnType<Metrics['histogram']>;

  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly clock: Clock,
    private readonly log: Log,
    metrics: Metrics,
  ) {
    this.seconds = metrics.histogram('leaver_rate_limit_seconds', 'Time to change a counter that gateways share.');
  }

  /** Whether it has failed just now, or the broker is not connected. */
  get down(): boolean {
    return !isConnected(this.nats) || this.clock.millis() - this.failedAt < PAUSE_MS;
  }

  /**
   * Changes a state by compare-and-set.
   * @param change the new state for the stored one, 0 if there is none; called again when another gateway was faster
   * @returns the stored state, or undefined if the store is not available
   */
  async change(key: string, change: (until: number) => number): Promise<number | undefined> {
    if (this.down) return undefined;
    const stop = this.seconds.startTimer();
    try {
      this.bucket ??= openBucket(this.nats, RATE_LIMIT_BUCKET, TIMEOUT_MS);
      return await changeIn(await this.bucket, key, change);
    } catch (error) {
      // The bucket may be lost with the broker's memory: it is opened, and created, again.
      this.bucket = undefined;
      this.failedAt = this.clock.millis();
      this.log.warn(safeErrorFields(error), 'shared rate limits not available, stricter local ones apply');
      return undefined;
    } finally {
      stop();
    }
  }
}

async function changeIn(bucket: KV, key: string, change: (until: number) => number): Promise<number> {
  for (let conflicts = 0; ; conflicts++) {
    const entry = await bucket.get(key);
    const stored = entry?.operation === 'PUT' ? Number(entry.string()) || 0 : 0;
    const next = change(stored);
    if (next === stored) return stored;
    try {
      if (entry) await bucket.update(key, String(next), entry.revision);
      else await bucket.create(key, String(next));
      return next;
    } catch (error) {
      const conflict = error instanceof JetStreamApiError && CONFLICTS.includes(error.code);
      if (!conflict || conflicts === MAX_CONFLICTS) throw error;
    }
  }
}
