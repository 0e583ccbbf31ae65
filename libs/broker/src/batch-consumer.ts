import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { replicasOf, whenConnected } from './connection.js';
import { PendingDelivery, type Delivery, type Outcome } from './delivery.js';
import { endsWithin, failpoint, retryDelay } from '#libs/jobs';
import { safeErrorFields, type Log } from '#libs/observability';
import { handling } from './message-spans.js';
import { Pull } from './pull.js';
import { ACK_WAIT, ensureConsumer, ensureStream, type ConsumerSpec, type StreamSpec } from './streams.js';

/** Handles a batch as one unit of work. If it returns nothing, all messages are acknowledged. */
export type BatchHandler = (batch: Delivery[]) => Promise<Outcome[] | void>;

export interface BatchConsumerOptions extends ConsumerSpec {
  nats: NatsConnection;
  stream: StreamSpec;
  handler: BatchHandler;
  log: Log;
  /** A number in [0, 1), for jitter. */
  random: () => number;
  /** Number of batches handled in parallel. Default: 1. */
  atOnce?: number;
}

const BATCH_MESSAGES = 500;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Maximum number of messages pulled but not yet handled. */
const MAX_BUFFERED_MESSAGES = 1_000;
const REPAIR_DELAY_MS = 200;
const RECONNECT_TIMEOUT_MS = 1_000;
/** Milliseconds until a failed batch is redelivered, by the number of deliveries. */
const NAK_DELAYS_MS = [1_000, 2_000, 5_000, 10_000, 30_000];
const CLOSE_TIMEOUT_MS = 4_000;

/**
 * Pulls from one durable consumer and delivers messages in batches, one or several in parallel. While batches are
 * handled, further messages are buffered; when enough are buffered, pulling pauses. A missing stream or consumer is
 * recreated.
 */
export class BatchConsumer {
  private waiting: PendingDelivery[] = [];
  private readonly running = new Set<PendingDelivery[]>();
  private pull?: Pull;
  private closing = false;
  private broken = false;
  private manager?: JetStreamManager;
  private loops: Promise<unknown> = Promise.resolve();
  private keepAlive?: NodeJS.Timeout;
  /** Resolvers of loops that wait for a change. */
  private readonly sleepers = new Set<() => void>();

  constructor(private readonly options: BatchConsumerOptions) {}

  start(): void {
    const side = Array.from({ length: this.options.atOnce ?? 1 }, () => this.keepHandling());
    this.loops = Promise.all([this.keepPulling(), ...side]);
    this.keepAlive = setInterval(() => this.extendAckDeadline(), ACK_WAIT / 3);
  }

  /** Stops pulling, returns unhandled messages, and waits for running batches. */
  async close(): Promise<void> {
    this.closing = true;
    await this.pull?.stop();
    for (const delivery of this.waiting.splice(0)) delivery.acknowledge({ nakAfterMs: 0 });
    this.wake();
    await endsWithin(this.loops, CLOSE_TIMEOUT_MS);
    clearInterval(this.keepAlive);
  }

  private async keepPulling(): Promise<void> {
    let ready = false;
    while (!this.closing) {
      try {
        if (!ready) await this.prepare();
        ready = true;
        await this.until(() => this.waiting.length < MAX_BUFFERED_MESSAGES / 2);
        if (!this.closing) await this.pullOnce();
        this.recovered();
      } catch (error) {
        ready = false;
        this.lost(error);
        await new Promise((resolve) => setTimeout(resolve, REPAIR_DELAY_MS * (1 + this.options.random())));
      }
    }
  }

  private async prepare(): Promise<void> {
    const { nats, stream } = this.options;
    await whenConnected(nats, RECONNECT_TIMEOUT_MS);
    this.manager ??= await jetstreamManager(nats, { checkAPI: false, timeout: 1_000 });
    await ensureStream(this.manager, stream, replicasOf(nats));
    await ensureConsumer(this.manager, stream.name, this.options);
  }

  private async pullOnce(): Promise<void> {
    const { nats, stream, durable } = this.options;
    const batch = MAX_BUFFERED_MESSAGES - this.waiting.length;
    this.pull = new Pull(nats, {
      stream: stream.name,
      durable,
      batch,
      onMessage: (message) => {
        this.waiting.push(new PendingDelivery(message));
        this.wake();
      },
    });
    try {
      await this.pull.ended;
    } finally {
      await this.pull.stop();
    }
  }

  private async keepHandling(): Promise<void> {
    for (;;) {
      await this.until(() => this.waiting.length > 0);
      // Waits one turn of the event loop, so that messages of the same packets join the batch.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.closing) return;
      const batch = this.nextBatch();
      if (batch.length === 0) continue;
      this.running.add(batch);
      this.wake();
      await this.handle(batch);
      this.running.delete(batch);
    }
  }

  private nextBatch(): PendingDelivery[] {
    let bytes = 0;
    const fits = (delivery: Delivery, index: number) =>
      index < BATCH_MESSAGES && ((bytes += delivery.data.length) <= BATCH_BYTES || index === 0);
    const end = this.waiting.findIndex((delivery, index) => !fits(delivery, index));
    return this.waiting.splice(0, end === -1 ? this.waiting.length : end);
  }

  private async handle(batch: PendingDelivery[]): Promise<void> {
    const outcomes = await this.outcomesOf(batch);
    // Without a connection the messages are redelivered after the ack timeout.
    if (this.options.nats.isClosed()) return;
    await failpoint('receive.acknowledge', async () =>
      batch.forEach((delivery, index) => delivery.acknowledge(outcomes[index]!)),
    );
  }

  private outcomesOf(batch: PendingDelivery[]): Promise<Outcome[]> {
    const { stream, durable } = this.options;
    // callHandler() has logged the error.
    return handling({ stream: stream.name, durable }, batch, () => this.callHandler(batch)).catch(() =>
      batch.map((delivery) => ({ nakAfterMs: this.delayOf(delivery) })),
    );
  }

  private async callHandler(batch: PendingDelivery[]): Promise<Outcome[]> {
    const { handler, log, durable } = this.options;
    try {
      const outcomes = (await handler(batch)) ?? batch.map(() => 'ack' as const);
      if (outcomes.length !== batch.length) throw new RangeError('a batch needs one outcome for each message');
      return outcomes;
    } catch (error) {
      log.error(
        { consumer: durable, messages: batch.length, ...safeErrorFields(error) },
        'batch failed and will be redelivered',
      );
      throw error;
    }
  }

  private delayOf({ deliveries }: Delivery): number {
    const delay = retryDelay(Math.max(deliveries - 1, 0), { delaysMs: NAK_DELAYS_MS, retryLimit: Infinity })!;
    return delay * (0.8 + 0.4 * this.options.random());
  }

  private extendAckDeadline(): void {
    for (const delivery of [...[...this.running].flat(), ...this.waiting]) delivery.working();
  }

  /** Waits until the condition holds or the consumer is closing. */
  private async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.closing) await new Promise<void>((resolve) => this.sleepers.add(resolve));
  }

  private wake(): void {
    for (const wake of this.sleepers) wake();
    this.sleepers.clear();
  }

  private lost(error: unknown): void {
    if (!this.broken)
      this.options.log.warn({ consumer: this.options.durable, ...safeErrorFields(error) }, 'consumer lost, repairing');
    this.broken = true;
  }

  private recovered(): void {
    if (this.broken) this.options.log.info({ consumer: this.options.durable }, 'consumer works again');
    this.broken = false;
  }
}
