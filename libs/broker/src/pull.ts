import { nanos, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { newInbox } from './connection.js';

interface PullRequest {
  stream: string;
  durable: string;
  /** Maximum number of messages. */
  batch: number;
  onMessage: (message: Msg) => void;
}

const EXPIRES = 30_000;
const HEARTBEAT = 500;
/** Milliseconds: three missed heartbeats mean that the server, the stream or the consumer is gone. */
const SILENCE = 1_750;
const IDLE = 100;
const EXPIRED = 408;

/**
 * One request to a pull consumer: delivers messages as they arrive, until the requested number is reached or half a
 * minute has passed. Unlike the client library's `consume()`, it ends when something is wrong, never holds more than
 * was requested, and loses no message that is already on its way when it stops.
 */
export class Pull {
  /** Resolves when the request is used up or stopped; rejects when the consumer is gone or does not respond. */
  readonly ended: Promise<void>;
  private readonly subscription: Subscription;
  private readonly inbox: string;
  private readonly watchdog: NodeJS.Timeout;
  private end!: (error?: Error) => void;
  private missing: number;

  constructor(
    nats: NatsConnection,
    private readonly request: PullRequest,
  ) {
    this.missing = request.batch;
    this.ended = new Promise((resolve, reject) => (this.end = (error) => (error ? reject(error) : resolve())));
    this.watchdog = setTimeout(() => this.end(new Error('the consumer does not respond')), SILENCE);
    this.inbox = newInbox(nats);
    this.subscription = nats.subscribe(this.inbox, { callback: (error, message) => this.receive(error, message) });
    const body = { batch: request.batch, expires: nanos(EXPIRES), idle_heartbeat: nanos(HEARTBEAT) };
    nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${request.stream}.${request.durable}`, JSON.stringify(body), {
      reply: this.inbox,
    });
  }

  /** Cancels the request. Resolves once all messages in transit have been delivered. */
  async stop(): Promise<void> {
    clearTimeout(this.watchdog);
    this.end();
    // Without a connection nothing is in transit; the broker redelivers unacknowledged messages.
    await this.subscription.drain().catch(() => undefined);
  }

  private receive(error: Error | null, message: Msg): void {
    if (error) return this.end(error);
    this.watchdog.refresh();
    // Messages keep their original subject; a message on the inbox's own subject is a status.
    if (message.subject === this.inbox) return this.interpret(message);
    this.request.onMessage(message);
    if (--this.missing === 0) this.end();
  }

  private interpret({ headers }: Msg): void {
    if (headers?.code === IDLE) return;
    if (headers?.code === EXPIRED) this.end();
    else this.end(new Error(`the consumer responded with ${headers?.code} ${headers?.description}`));
  }
}
