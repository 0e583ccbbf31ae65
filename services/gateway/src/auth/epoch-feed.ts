import { DeliverPolicy, jetstream, type JsMsg, type PushConsumer } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { newInbox, openBucket } from '#libs/broker';
import { SESSION_BUCKET } from '#libs/contracts';

/** Layout of a KV bucket as a stream: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-8.md */
const STREAM = `KV_${SESSION_BUCKET.name}`;
const PREFIX = `$KV.${SESSION_BUCKET.name}.`;
const API_TIMEOUT = 1_000;

/** @param since when the broker stored the entry; undefined for entries stored before we subscribed */
type OnEntry = (key: string, value: string, since?: Date) => void;

/**
 * Reads the last value of every key of the bucket and all changes that follow. It reads the stream instead of using the
 * KV client's watch, because only the consumer's info shows whether every entry has arrived.
 */
export class EpochFeed {
  private seen = 0;
  private caughtUp = false;
  private stop: () => void;

  private constructor(private readonly consumer: PushConsumer) {}

  /** @throws a NATS error when the broker cannot be reached */
  static async open(nats: NatsConnection, onEntry: OnEntry): Promise<EpochFeed> {
    await openBucket(nats, SESSION_BUCKET, API_TIMEOUT);
    const client = jetstream(nats, { timeout: API_TIMEOUT });
    const consumer = await client.consumers.getPushConsumer(STREAM, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      deliver_prefix: newInbox(nats),
    });
    const feed = new EpochFeed(consumer);
    const messages = await consumer.consume({ callback: (message) => feed.take(message, onEntry) });
    feed.stop = () => messages.stop();
    return feed;
  }

  /** Whether every entry in the bucket has arrived here. @throws a NATS error when the broker does not answer */
  async isComplete(): Promise<boolean> {
    const info = await this.consumer.info();
    const complete = info.num_pending === 0 && info.delivered.stream_seq <= this.seen;
    this.caughtUp ||= complete;
    return complete;
  }

  close(): void {
    this.stop();
    // Best effort: the consumer is ephemeral, so the broker removes it when nobody subscribes.
    void this.consumer.delete().catch(() => undefined);
  }

  private take(message: JsMsg, onEntry: OnEntry): void {
    this.seen = Math.max(this.seen, message.seq);
    const removed = message.headers?.has('KV-Operation');
    const since = this.caughtUp ? message.time : undefined;
    if (!removed) onEntry(message.subject.slice(PREFIX.length), message.string(), since);
  }
}
