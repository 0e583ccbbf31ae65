import { callSpan, handlerMetadata, type HandlerMetadata } from '#libs/broker';
import { failpoint } from '#libs/jobs';
import { inSpan, Metrics } from '#libs/observability';
import { Problem, type Call } from '#libs/contracts';
import { Ids } from '#libs/database';
import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, Optional, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { NatsContext } from '@nestjs/microservices';
import { defer, lastValueFrom, type Observable } from 'rxjs';
import { IdempotencyKeys } from './idempotency.js';

/** Serialization failure and deadlock: PostgreSQL asks to run the transaction again. */
const RETRYABLE_SQLSTATES = ['40001', '40P01'];
const ATTEMPTS = 4;

const subjectOf = (context: ExecutionContext): string => context.switchToRpc().getContext<NatsContext>().getSubject();

/** Gives every call that comes over NATS its own unit of work: a transaction where the handler changes something. */
@Injectable()
export class CallInterceptor implements NestInterceptor {
  private readonly seconds;

  constructor(
    private readonly idempotency: IdempotencyKeys,
    private readonly ids: Ids,
    metrics: Metrics,
    @Optional() private readonly em?: EntityManager,
  ) {
    this.seconds = metrics.histogram('leaver_call_seconds', 'Time to answer a call', ['operation', 'outcome']);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const facts = handlerMetadata(context.getHandler());
    if (!facts) return next.handle();
    const call = context.switchToRpc().getData<Call>();
    const handle = () => lastValueFrom(next.handle(), { defaultValue: undefined });
    const span = { ...callSpan(subjectOf(context)), kind: 'server' as const };
    return defer(() => inSpan(span, () => this.measured(facts, () => this.run(facts, call, handle))));
  }

  private async run(facts: HandlerMetadata, call: Call, handle: () => Promise<unknown>): Promise<unknown> {
    const { em } = this;
    if (!em) return handle();
    if (!facts.transaction) return RequestContext.create(em, handle);
    const transaction = () =>
      RequestContext.create(em, () => em.transactional((tx) => this.once(facts, call, tx, handle)));
    for (let attempt = 1; ; attempt++) {
      try {
        return await failpoint('call.commit', transaction);
      } catch (error) {
        if (attempt === ATTEMPTS || !RETRYABLE_SQLSTATES.includes(String((error as { code?: unknown }).code)))
          throw error;
        await new Promise((resolve) => setTimeout(resolve, 20 * attempt * (1 + this.ids.fraction())));
      }
    }
  }

  private once(
    { operation }: HandlerMetadata,
    call: Call,
    tx: EntityManager,
    handle: () => Promise<unknown>,
  ): Promise<unknown> {
    const { principal, idempotency } = call;
    if (!operation || !idempotency) return handle();
    return this.idempotency.once(tx, { operation: operation.id, call: { principal, idempotency } }, handle);
  }

  private async measured(facts: HandlerMetadata, work: () => Promise<unknown>): Promise<unknown> {
    if (!facts.operation) return work();
    const stop = this.seconds.startTimer({ operation: facts.operation.id });
    try {
      const answer = await work();
      stop({ outcome: 'ok' });
      return answer;
    } catch (error) {
      stop({ outcome: error instanceof Problem ? error.code : 'internal' });
      throw error;
    }
  }
}
