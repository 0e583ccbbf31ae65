import {
  NOBODY,
  Problem,
  type Ask,
  type Call,
  type Operation,
  type Principal,
  type ProblemBody,
} from '#libs/contracts';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { errors, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { AUTHORIZATION, CALL_SIGNATURE, CallSigner } from './calls/call-signature.js';
import { authorizationOf } from './calls/credentials.js';
import { NATS, whenConnected } from './connection.js';
import { assertNoOpenTransaction } from '#libs/database';
import { inSpan, type SpanOptions, currentContext } from '#libs/observability';

/** A call as the caller writes it: parts without required fields may be omitted. */
export type CallArguments<B extends object, Q extends object> = Pick<Call, 'principal' | 'idempotency' | 'client'> & {
  params?: Record<string, string>;
} & Part<'body', B> &
  Part<'query', Q>;
type Part<Name extends string, T extends object> = object extends T ? { [N in Name]?: T } : { [N in Name]: T };

type Target = Pick<Ask<never, unknown>, 'service' | 'subject' | 'timeout'>;

interface Reply {
  err?: unknown;
  response?: unknown;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/**
 * Maximum number of unanswered calls from this process to one service. A service that is overloaded or hangs answers
 * late or not at all; further calls would wait behind those, time out, and be executed nevertheless.
 */
export const MAX_OPEN_CALLS = 256;

/** Header with the id of the request on whose behalf a call is made. */
export const REQUEST_ID = 'x-request-id';

/** Injection token: whether calls also name the principal, for services of 0.1, which believe it. */
export const NAMES_PRINCIPAL = Symbol('NAMES_PRINCIPAL');

/** Calls other services over NATS. Each call is signed by this service and carries the token of the user it is made for. */
@Injectable()
export class ServiceClient {
  /** Unanswered calls by service. */
  private readonly open = new Map<string, number>();

  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly signer: CallSigner,
    @Optional() @Inject(NAMES_PRINCIPAL) private readonly namesPrincipal = false,
  ) {}

  /**
   * Calls an operation of the owning service.
   * @throws Problem as thrown by the service; `internal` for its unexpected errors; `service-unavailable` when it does
   * not answer in time, and immediately when it has `MAX_OPEN_CALLS` unanswered calls
   */
  async call<B extends object, Q extends object, A>(
    operation: Operation<B, Q, A>,
    call: CallArguments<B, Q>,
  ): Promise<A> {
    const { subject, service, timeout = DEFAULT_TIMEOUT_MS } = operation;
    const { principal, ...parts } = call;
    const data = { params: {}, query: {}, body: {}, ...parts, ...(this.namesPrincipal && { principal }) };
    return (await this.request({ subject, service, timeout }, data, authorizationOf(principal))) as A;
  }

  /**
   * Sends another service a request that is not part of the public API.
   * @param principal the user on whose behalf, if the request concerns one
   * @throws Problem as `call` does
   */
  async ask<Request, Answer>(
    ask: Ask<Request, Answer>,
    request: Request,
    principal: Principal = NOBODY,
  ): Promise<Answer> {
    return (await this.request(ask, request, authorizationOf(principal))) as Answer;
  }

  private async request(target: Target, data: unknown, authorization: string): Promise<unknown> {
    const { service, subject } = target;
    assertNoOpenTransaction(subject);
    const open = this.open.get(service) ?? 0;
    if (open >= MAX_OPEN_CALLS)
      throw new Problem('service-unavailable', { service, detail: 'The service has too many open calls.' });
    this.open.set(service, open + 1);
    const span = { ...callSpan(subject), kind: 'client' as const };
    return inSpan(span, () => this.exchange(target, data, authorization)).finally(() =>
      this.open.set(service, this.open.get(service)! - 1),
    );
  }

  private async exchange(
    { subject, service, timeout }: Target,
    data: unknown,
    authorization: string,
  ): Promise<unknown> {
    // Nest treats a message with an id as a request. The value does not matter: the reply subject tells requests apart.
    const packet = JSON.stringify({ pattern: subject, data, id: '0' });
    if (!(await whenConnected(this.nats, timeout))) throw unavailable(service);
    const all = originHeaders();
    if (authorization) all.set(AUTHORIZATION, authorization);
    // After the wait for a connection, so that the signature has not expired meanwhile.
    all.set(CALL_SIGNATURE, this.signer.sign({ subject, packet, authorization }));
    const reply = await this.nats.request(subject, packet, { timeout, headers: all }).catch((error: unknown) => {
      throw unavailable(service, error);
    });
    return responseOf(reply);
  }
}

/** The span name and attributes of a call, on either side. */
export function callSpan(subject: string): Pick<SpanOptions, 'name' | 'attributes'> {
  const method = subject.replace(/^rpc\./, '').replace('.', '/');
  return { name: method, attributes: { 'rpc.system.name': 'nats', 'rpc.method': method } };
}

function originHeaders() {
  const { traceparent, requestId } = currentContext();
  const all = headers();
  if (traceparent) all.set('traceparent', traceparent);
  if (requestId) all.set(REQUEST_ID, requestId);
  return all;
}

function unavailable(service: string, error?: unknown): Problem {
  let detail = 'The service could not be reached.';
  if (error instanceof errors.TimeoutError) detail = 'The service did not answer in time.';
  // Connection-level errors are wrapped; the actual error is the cause.
  if (error instanceof Error && error.cause instanceof errors.NoRespondersError) detail = 'The service is not running.';
  return new Problem('service-unavailable', { service, detail });
}

function responseOf(reply: Msg): unknown {
  const { err, response } = reply.json<Reply>();
  if (err === undefined || err === null) return response;
  throw typeof err === 'object' && 'code' in err ? Problem.fromBody(err as ProblemBody) : new Problem('internal');
}
