import { nanos, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { newInbox } from './connection.js';

interface PullRequest {
  stream: string;
  durable: string;
  /** How many messages at most. */
  batch: number;
  onMessage: (message: Msg) => void;
}

const EXPIRES = 30_000;
const HEARTBEAT = 500;
/** Three heartbeats are missing: the server, the stream or the consumer is gone. */
const SILENCE = 1_750;
const IDLE = 100;
const EXPIRED = 408;

/**
 * One request to a pull consumer: messages are handed over as they come, until the wanted number is there or half a minute
 * is over. In contrast to the client library's `consume()` it ends when something is wrong, it never holds more than was
 * asked for, and what the server has sent already is not lost when it stops.
 */
export class Pull {
  /** Resolves when the request is used up or stopped; rejects when the consumer doesn't answer or has gone. */
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
    this.watchdog = setTimeout(() => this.end(new Error('the consumer is silent')), SILENCE);
    this.inbox = newInbox(nats);
    this.subscription = nats.subscribe(this.inbox, { callback: (error, message) => this.receive(error, message) });
    const body = { batch: request.batch, expires: nanos(EXPIRES), idle_heartbeat: nanos(HEARTBEAT) };
    nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${request.stream}.${request.durable}`, JSON.stringify(body), {
      reply: this.inbox,
    });
  }

  /** Takes the request back. Resolves once everything that was under way has been handed over. */
  async stop(): Promise<void> {
    clearTimeout(this.watchdog);
    this.end();
    // Without a connection nothing is under way; the broker delivers again what was not acknowledged.
    await this.subscription.drain().catch(() => undefined);
  }

  private receive(error: Error | null, message: Msg): void {
    if (error) return this.end(error);
    this.watchdog.refresh();
    // Messages keep the subject that they were published on; what comes on the inbox's own is a status.
    if (message.subject === this.inbox) return this.interpret(message);
    this.request.onMessage(message);
    if (--this.missing === 0) this.end();
  }

  private interpret({ headers }: Msg): void {
    if (headers?.code === IDLE) return;
    if (headers?.code === EXPIRED) this.end();
    else this.end(new Error(`the consumer answered ${headers?.code} ${headers?.description}`));
  }
}
