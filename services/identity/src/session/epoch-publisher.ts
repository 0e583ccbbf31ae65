import type { KV } from '@nats-io/kv';
import { errors, type NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { openBucket, STREAMS } from '#libs/broker';
import { SESSION_BUCKET, sessionKey, type SessionEpoch } from '#libs/contracts';
import { AfterCommit, assertNoOpenTransaction } from '#libs/database';

/** Maximum delay of an answer in milliseconds if the broker is down. Gateways then get the change from the snapshot. */
const PUT_TIMEOUT_MS = 1_000;
const MAX_CONCURRENT_PUTS = 1_000;

/** Publishes invalidated tokens to all gateways after the commit. */
@Injectable()
export class EpochPublisher {
  private bucket?: Promise<KV>;

  constructor(
    @Inject(STREAMS) private readonly nats: NatsConnection,
    private readonly afterCommit: AfterCommit,
  ) {}

  epochs(epochs: readonly SessionEpoch[]): void {
    if (epochs.length === 0) return;
    this.afterCommit.run(() => this.put(epochs.map(({ userId, epoch }) => [userId, String(epoch)])));
  }

  session(sessionId: string): void {
    this.afterCommit.run(() => this.put([[sessionKey(sessionId), '1']]));
  }

  /** Creates the bucket again if the broker has lost it. After a timeout it does not try again. */
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

  /** Cached, because checking that the bucket exists takes longer than writing to it. */
  private open(): Promise<KV> {
    const opening = (this.bucket ??= openBucket(this.nats, SESSION_BUCKET, PUT_TIMEOUT_MS));
    // Callers that await the promise get the error.
    opening.catch(() => {
      if (this.bucket === opening) this.bucket = undefined;
    });
    return opening;
  }
}

type Entry = readonly [key: string, value: string];
