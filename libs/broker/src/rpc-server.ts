import { Problem } from '#libs/contracts';
import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { ServerNats, type NatsContext, type WritePacket } from '@nestjs/microservices';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { throwError, type Observable } from 'rxjs';
import { endsWithin } from '#libs/jobs';
import { safeErrorFields, type Log, runInContext } from '#libs/observability';
import { isReplyAddress } from './connection.js';
import { REQUEST_ID } from './service-client.js';

interface RpcServerOptions {
  nats: NatsConnection;
  /** Replicas with the same queue name share the calls. */
  queue: string;
  log: Log;
}

const CLOSE_TIMEOUT_MS = 4_000;

/**
 * Nest's NATS transport on a shared connection. Closing it lets running calls finish. A message whose reply subject is not an
 * inbox is dropped: an answer to it could reach a subject on which its sender may not publish.
 */
export class RpcServer extends ServerNats {
  private readonly open: Subscription[] = [];
  private running = 0;
  private onIdle?: () => void;

  constructor(private readonly rpc: RpcServerOptions) {
    super({ queue: rpc.queue });
    // Nest awaits the hook's result, although its type says `void`.
    // eslint-disable-next-line @typescript-eslint/no-misused-promises
    this.setOnProcessingStartHook((_transport, _context, done) => {
      this.running++;
      return done();
    });
    this.setOnProcessingEndHook(() => {
      if (--this.running === 0) this.onIdle?.();
    });
  }

  override createNatsClient(): Promise<NatsConnection> {
    return Promise.resolve(this.rpc.nats);
  }

  override bindEvents(nats: NatsConnection): void {
    for (const subject of this.messageHandlers.keys()) {
      const callback = this.getMessageHandler(subject).bind(this);
      this.open.push(nats.subscribe(subject, { queue: this.rpc.queue, callback }));
    }
  }

  override async close(): Promise<void> {
    if (this.rpc.nats.isClosed()) return;
    // On a lost connection no further calls arrive.
    await Promise.all(this.open.map((subscription) => subscription.drain().catch(() => undefined)));
    if (this.running > 0) await endsWithin(new Promise<void>((resolve) => (this.onIdle = resolve)), CLOSE_TIMEOUT_MS);
    // The last responses are sent in the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    // Without a connection the callers time out.
    await this.rpc.nats.flush().catch(() => undefined);
  }

  override handleMessage(channel: string, message: Msg): Promise<unknown> {
    const { headers, reply } = message;
    if (!isReplyAddress(reply)) {
      this.rpc.log.warn({ subject: message.subject }, 'dropped a message that is not a call');
      return Promise.resolve();
    }
    const handle = () => super.handleMessage(channel, message);
    if (!headers) return handle();
    const traceparent = headers.get('traceparent') || undefined;
    const requestId = headers.get(REQUEST_ID) || undefined;
    return runInContext({ traceparent, requestId }, handle);
  }

  /** A response that cannot be sent, for example because it is too large, must not leave the caller waiting. */
  override getPublisher(message: Msg, id: string, context: NatsContext): (response: WritePacket) => unknown {
    const publish = super.getPublisher(message, id, context);
    return (response: WritePacket) => {
      try {
        return publish(response);
      } catch (error) {
        this.rpc.log.error({ subject: message.subject, ...safeErrorFields(error) }, 'response could not be sent');
        return publish({ err: new Problem('internal').toBody(), isDisposed: true });
      }
    };
  }

  override handleError(error: unknown): void {
    this.rpc.log.error(safeErrorFields(error), 'message is not a valid call');
  }
}

/** Serialises what a handler throws: a Problem as its body, anything else as `internal` with a log line. */
@Catch()
export class RpcProblemFilter implements RpcExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown): Observable<never> {
    if (error instanceof Problem) return throwError(() => error.toBody());
    this.log.error(safeErrorFields(error), 'call failed');
    return throwError(() => new Problem('internal').toBody());
  }
}

/** Passes a handler's original error to the JetStream transport. */
@Catch()
export class RethrowFilter implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
