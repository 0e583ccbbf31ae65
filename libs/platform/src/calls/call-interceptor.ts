import { callSpan, handlerMetadata, preparationOf, setPrepared, type HandlerMetadata } from '#libs/broker';
import { NOBODY, Problem, type Call } from '#libs/contracts';
import { ACROSS_ACCOUNTS, asCall, isTimeLimit, scopeOfAccount, type CallScope } from '#libs/database';
import { inSpan, Log, Metrics, safeErrorFields } from '#libs/observability';
import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, Optional, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { NatsContext } from '@nestjs/microservices';
import { defer, lastValueFrom, type Observable } from 'rxjs';
import { BaseConfig } from '../service/config.js';
import { CallTransactions } from './call-transactions.js';

type Asked = Partial<Pick<Call, 'principal'>> & { accountId?: unknown };

/**
 * Runs every NATS call in its own unit of work and in the scope of its account. A call that changes something is prepared
 * and then runs in a transaction.
 */
@Injectable()
export class CallInterceptor implements NestInterceptor {
  private readonly seconds;

  constructor(
    private readonly transactions: CallTransactions,
    private readonly modules: ModuleRef,
    private readonly config: BaseConfig,
    private readonly log: Log,
    metrics: Metrics,
    @Optional() private readonly em?: EntityManager,
  ) {
    this.seconds = metrics.histogram('leaver_call_seconds', 'Time to answer a call', ['operation', 'outcome']);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const facts = handlerMetadata(context.getHandler());
    if (!facts) return next.handle();
    const transport = context.switchToRpc().getContext<NatsContext>();
    const span = { ...callSpan(transport.getSubject()), kind: 'server' as const };
    const scope = scopeOf(facts, context.switchToRpc().getData<Asked>());
    const work = () =>
      asCall(scope, () => this.run(facts, context, next)).catch((error: unknown) => this.unavailable(error));
    return defer(() => inSpan(span, () => this.measured(facts, work)));
  }

  /** The database was too slow or did not answer: the client may try again. @throws any other error as it is */
  private unavailable(error: unknown): never {
    if (!isTimeLimit(error)) throw error;
    const { serviceName: service } = this.config;
    this.log.warn(safeErrorFields(error), 'a statement of a call took too long');
    throw new Problem('service-unavailable', {
      service,
      detail: 'The database of the service did not answer in time.',
    });
  }

  private run({ operation, transaction }: HandlerMetadata, context: ExecutionContext, next: CallHandler) {
    const rpc = context.switchToRpc();
    const handle = (prepared: unknown) => {
      setPrepared(rpc.getContext<NatsContext>(), prepared);
      return lastValueFrom(next.handle(), { defaultValue: undefined });
    };
    if (!this.em) return handle(undefined);
    if (!transaction) return RequestContext.create(this.em, () => handle(undefined));
    const prepare = operation && preparationOf(this.modules.get(context.getClass(), { strict: false }), operation);
    return this.transactions.run({ em: this.em, call: rpc.getData<Call>(), operation, prepare, commit: handle });
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

/**
 * A call is for the account of the caller, whose token is verified; a request of another service for the account that it
 * names. Without an account the call sees no rows.
 */
function scopeOf({ operation, acrossAccounts }: HandlerMetadata, { principal, accountId }: Asked): CallScope {
  if (acrossAccounts !== undefined) return ACROSS_ACCOUNTS;
  const account = operation ? principal?.accountId : accountId;
  return scopeOfAccount(typeof account === 'string' ? account : NOBODY.accountId);
}
