import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { NATS, replicasOf } from '#libs/broker';
import { SESSION_BUCKET, sessionKey, type SessionEpoch } from '#libs/contracts';
import { AfterCommit } from '../after-commit.js';

/** Milliseconds that an answer is held up at most while the broker is away; gateways then learn by asking. */
const PATIENCE = 1_000;
const AT_ONCE = 1_000;

/** Tells all gateways which tokens are dead, as soon as that is committed. */
@Injectable()
export class SessionAnnouncer {
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

  private async put(entries: readonly (readonly [key: string, value: string])[]): Promise<void> {
    const kvm = new Kvm(jetstream(this.nats, { timeout: PATIENCE }));
    const bucket = await kvm.create(SESSION_BUCKET.name, {
      ttl: SESSION_BUCKET.ttl,
      replicas: replicasOf(this.nats),
    });
    for (let from = 0; from < entries.length; from += AT_ONCE) {
      await Promise.all(entries.slice(from, from + AT_ONCE).map(([key, value]) => bucket.put(key, value)));
    }
  }
}
