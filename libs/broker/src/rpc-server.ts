import { NOBODY, Problem } from '#libs/contracts';
import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { ServerNats, type NatsContext, type WritePacket } from '@nestjs/microservices';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { throwError, type Observable } from 'rxjs';
import { endsWithin } from '#libs/jobs';
import { safeErrorFields, type Log, runInContext } from '#libs/observability';
import type { Admitted, CallAdmission } from './calls/admission.js';
import { AUTHORIZATION, CALL_SIGNATURE } from './calls/call-signature.js';
import { isReplyAddress } from './connection.js';
import type { HandlerMetadata } from './handles.js';
import { REQUEST_ID } from './service-client.js';

interface RpcServerOptions {
  nats: NatsConnection;
  /** Replicas with the same queue name share the calls. */
  queue: string;
  admission: CallAdmission;
  log: Log;
}

interface AdmittedCall {
  handler: HandlerMetadata;
  by: Admitted;
}

interface Packet {
  pattern: string;
  data: Record<string, unknown>;
  id: string;
}

const CLOSE_TIMEOUT_MS = 4_000;

/**
 * Nest's NATS transport on a shared connection. It handles only admitted calls. Closing it lets running calls finish. A
 * message whose reply subject is not an inbox is dropped: an answer to it could reach a subject on which its sender may
 * not publish.
 */
export class RpcServer extends ServerNats {
  private readonly open: Subscription[] = [];
  private running = 0;
  private onIdle?: () => void;
  private readonly admitted = new WeakMap<Msg, AdmittedCall>();

  constructor(private readonly rpc: RpcServerOptions) {
    super({ queue: rpc.queue, deserializer: { deserialize: (message: Msg) => this.packetOf(message) } });
    // Nest awaits the hook's result, although its type says `void`.
    // eslint-disable-next-line @typescript-eslint/no-misused-promises
    this.setOnProcessingStartHook((_transport, _context, done) => {
      this.started();
      return done();
    });
    this.setOnProcessingEndHook(() => this.ended());
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
    const handle = () => this.admitAndHandle(channel, message, (admitted) => super.handleMessage(channel, admitted));
    if (!headers) return handle();
    const traceparent = headers.get('traceparent') || undefined;
    const requestId = headers.get(REQUEST_ID) || undefined;
    return runInContext({ traceparent, requestId }, handle);
  }

  private async admitAndHandle(channel: string, message: Msg, handle: (message: Msg) => Promise<unknown>) {
    this.started();
    try {
      const handler = this.getHandlerByPattern(channel)!.extras as HandlerMetadata;
      const { subject, data: packet, headers } = message;
      const authorization = headers?.get(AUTHORIZATION) ?? '';
      const signature = headers?.get(CALL_SIGNATURE) ?? '';
      const call = { subject, packet, authorization, signature, handler };
      this.admitted.set(message, { handler, by: await this.rpc.admission.admit(call) });
      return await handle(message);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      message.respond(JSON.stringify({ err: error.toBody(), isDisposed: true }));
      return undefined;
    } finally {
      this.ended();
    }
  }

  /** The call as the handler receives it: who calls comes from the admission and never from the message. */
  private packetOf(message: Msg): Packet {
    const packet = message.json<Packet>();
    const { handler, by } = this.admitted.get(message)!;
    if (by.unsigned) return packet;
    const { principal = NOBODY } = by;
    if (handler.operation) packet.data = { ...packet.data, principal };
    else if (handler.ask?.onBehalf)
      packet.data = { ...packet.data, accountId: principal.accountId, userId: principal.userId };
    return packet;
  }

  private started(): void {
    this.running++;
  }

  private ended(): void {
    if (--this.running === 0) this.onIdle?.();
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
