import type { KV } from '@nats-io/kv';
import { errors, type NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { NATS, openBucket } from '#libs/broker';
import { SESSION_BUCKET, sessionKey, type SessionEpoch } from '#libs/contracts';
import { AfterCommit, assertNoOpenTransaction } from '#libs/database';

/** Milliseconds that an answer is held up at most while the broker is away; gateways then learn by asking. */
const PUT_TIMEOUT_MS = 1_000;
const MAX_CONCURRENT_PUTS = 1_000;

/** Tells all gateways which tokens are dead, as soon as that is committed. */
@Injectable()
export class EpochPublisher {
  private bucket?: Promise<KV>;

  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly afterCommit: AfterCommit,
  ) {}

  epochs(epochs: readonly SessionEpoch[]): void {
    if (epochs.length === 0) return;
    this.afterCommit.run(() => this.put(epochs.map(({ userId, epoch }) => [userId, String(epoch)])));
  }

  session(sessionId: string): void {
    this.afterCommit.run(() => this.put([[sessionKey(sessionId), '1']]));
  }

  /** A broker that has lost the bucket gets it anew; one that is away is not waited for twice. */
  private async put(entries: readonly Entry[]): Promise<void> {
    assertNoOpenTransaction('put session epochs');
    const known = this.bucket;
    await this.putInto(known ?? this.open(), entries).catch(async (error: unknown) => {
      if (this.bucket === known) this.bucket = undefined;
      if (!known || error instanceof errors.TimeoutError) throw error;
      await this.putInto(this.open(), entries);
    });
  }

  private async putInto(opened: Promise<KV>, entries: readonly Entry[]): Promise<void> {
    const bucket = await opened;
    for (let from = 0; from < entries.length; from += MAX_CONCURRENT_PUTS) {
      await Promise.all(entries.slice(from, from + MAX_CONCURRENT_PUTS).map(([key, value]) => bucket.put(key, value)));
    }
  }

  /** Once, and not for every revocation: making sure that the bucket is there takes longer than writing to it. */
  private open(): Promise<KV> {
    const opening = (this.bucket ??= openBucket(this.nats, SESSION_BUCKET, PUT_TIMEOUT_MS));
    // Whoever awaits it gets the error.
    opening.catch(() => {
      if (this.bucket === opening) this.bucket = undefined;
    });
    return opening;
  }
}

type Entry = readonly [key: string, value: string];
