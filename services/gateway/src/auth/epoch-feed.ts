import { DeliverPolicy, jetstream, type JsMsg, type PushConsumer } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { newInbox, openBucket } from '#libs/broker';
import { SESSION_BUCKET } from '#libs/contracts';

/** How a KV bucket is laid out as a stream: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-8.md */
const STREAM = `KV_${SESSION_BUCKET.name}`;
const PREFIX = `$KV.${SESSION_BUCKET.name}.`;
const API_TIMEOUT = 1_000;

/** @param since when the broker stored the entry; undefined for what the bucket held before we followed it */
type OnEntry = (key: string, value: string, since?: Date) => void;

/**
 * The last value of every key of the bucket and everything that follows. It is read as a stream, not through the KV
 * client's watch, because only the consumer behind it can tell whether we have really seen everything.
 */
export class EpochFeed {
  private seen = 0;
  private caughtUp = false;
  private stop: () => void;

  private constructor(private readonly consumer: PushConsumer) {}

  /** @throws an error of NATS when the broker can't be reached */
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

  /** Whether everything that the bucket holds has arrived here. @throws an error of NATS when that can't be found out */
  async isComplete(): Promise<boolean> {
    const info = await this.consumer.info();
    const complete = info.num_pending === 0 && info.delivered.stream_seq <= this.seen;
    this.caughtUp ||= complete;
    return complete;
  }

  close(): void {
    this.stop();
    // Ephemeral: the broker removes it by itself when nobody listens.
    void this.consumer.delete().catch(() => undefined);
  }

  private take(message: JsMsg, onEntry: OnEntry): void {
    this.seen = Math.max(this.seen, message.seq);
    const removed = message.headers?.has('KV-Operation');
    const since = this.caughtUp ? message.time : undefined;
    if (!removed) onEntry(message.subject.slice(PREFIX.length), message.string(), since);
  }
}
