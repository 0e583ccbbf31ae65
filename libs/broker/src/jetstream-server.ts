import { EventPattern, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { NatsConnection } from '@nats-io/transport-node';
import { lastValueFrom } from 'rxjs';
import { BatchConsumer } from './batch-consumer.js';
import type { Delivery, Outcome } from './delivery.js';
import type { Log } from '#libs/observability';
import type { ConsumerSpec, StreamSpec } from './streams.js';

/** The transport id of these handlers, so that no other transport takes them. */
export const JETSTREAM = Symbol('JETSTREAM');

export interface BatchPatternOptions extends ConsumerSpec {
  stream: StreamSpec;
  /** Number of batches that the method handles in parallel. Default: 1. */
  atOnce?: number;
}

type BatchMethod = (batch: Delivery[]) => Promise<Outcome[] | void>;

/**
 * Makes the method handle all messages of the durable consumer, in batches of up to 500 messages or 4 MB, one batch at
 * a time unless `atOnce` is higher. If it throws, the whole batch is redelivered, after a growing delay.
 */
export function BatchPattern({ durable, ...extras }: BatchPatternOptions) {
  const register: MethodDecorator = EventPattern<string>(durable, JETSTREAM, extras);
  return <T extends BatchMethod>(
    target: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void => {
    register(target, method, descriptor);
  };
}

interface JetStreamServerOptions {
  nats: NatsConnection;
  log: Log;
  /** A number in [0, 1), for jitter. */
  random: () => number;
}

/** Nest's transport for `@BatchPattern` handlers. It does not own the connection and leaves it open when it closes. */
export class JetStreamServer extends Server implements CustomTransportStrategy {
  override readonly transportId = JETSTREAM;
  override readonly propagatesEventHandlerErrors = true;
  private consumers: BatchConsumer[] = [];

  constructor(private readonly options: JetStreamServerOptions) {
    super();
  }

  listen(callback: () => void): void {
    this.consumers = [...this.messageHandlers].map(([durable, handler]) => {
      const extras = handler.extras as Omit<BatchPatternOptions, 'durable'>;
      const call = async (batch: Delivery[]): Promise<Outcome[] | void> =>
        lastValueFrom(this.transformToObservable(await handler(batch)), { defaultValue: undefined });
      return new BatchConsumer({ ...this.options, ...extras, durable, handler: call });
    });
    for (const consumer of this.consumers) consumer.start();
    callback();
  }

  async close(): Promise<void> {
    await Promise.all(this.consumers.map((consumer) => consumer.close()));
    // If acknowledgements get lost, their messages are redelivered.
    if (!this.options.nats.isClosed()) await this.options.nats.flush().catch(() => undefined);
  }

  on(): never {
    throw new Error('not supported: consumers emit no events');
  }

  unwrap<T>(): T {
    return this.options.nats as T;
  }
}
