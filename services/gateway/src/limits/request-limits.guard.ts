import type { Operation } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { clientAddress } from '../http/request.js';
import { OPERATION } from '../operations/serves.js';
import { clientKey } from './client-key.js';
import { CounterStore } from './counter-store.js';
import { setRateLimit } from './headers.js';
import { RateLimited } from './rate-limits.js';
import { SharedLimit } from './shared-limit.js';

const UNAUTHENTICATED = 401;

/**
 * Limits all requests of a person and of an account, and those of a client address to operations without a token. Nothing is
 * asked for a request: each gateway counts, and tells the others about every slice.
 */
@Injectable()
export class RequestLimitsGuard implements CanActivate {
  private readonly byPerson: SharedLimit;
  private readonly byAccount: SharedLimit;
  private readonly byAddress: SharedLimit;

  constructor(
    private readonly reflector: Reflector,
    private readonly config: GatewayConfig,
    store: CounterStore,
    clock: Clock,
  ) {
    const limit = (name: string, perMinute: number) => new SharedLimit(name, perMinute, store, clock);
    this.byPerson = limit('person', config.requestsPerPersonPerMinute);
    this.byAccount = limit('account', config.requestsPerAccountPerMinute);
    this.byAddress = limit('address', config.publicRequestsPerMinute);
  }

  /** @throws RateLimited */
  canActivate(context: ExecutionContext): boolean {
    const operation = this.reflector.get<Operation | undefined>(OPERATION, context.getHandler());
    if (!operation) return true;
    const http = context.switchToHttp();
    const { principal } = http.getRequest<FastifyRequest>();
    if (!principal) {
      this.use(this.byAddress, clientKey(clientAddress(http.getRequest(), this.config.trustedProxies)));
      return true;
    }
    const verdict = this.use(this.byPerson, principal.userId);
    this.use(this.byAccount, principal.accountId);
    setRateLimit(http.getResponse<FastifyReply>(), this.byPerson, verdict);
    return true;
  }

  private use(limit: SharedLimit, key: string) {
    const verdict = limit.count(key);
    if (!verdict.allowed) throw new RateLimited(limit, verdict);
    return verdict;
  }
}

/** Identity has to look up API tokens and session cookies, so a client that sends many wrong ones is stopped before. */
@Injectable()
export class LookedUpTokenGuard implements CanActivate {
  private readonly failed: SharedLimit;

  constructor(
    private readonly config: GatewayConfig,
    store: CounterStore,
    clock: Clock,
  ) {
    this.failed = new SharedLimit('failed-api-tokens', config.failedTokensPerMinute, store, clock);
  }

  /** @throws RateLimited */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { authorization, cookie } = request.headers;
    if (authorization === undefined ? cookie === undefined : !/^Bearer +lvr_/i.test(authorization)) return true;
    const key = clientKey(clientAddress(request, this.config.trustedProxies));
    const verdict = this.failed.peek(key);
    if (!verdict.allowed) throw new RateLimited(this.failed, verdict);
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    reply.raw.once('close', () => {
      if (reply.statusCode === UNAUTHENTICATED) this.failed.count(key);
    });
    return true;
  }
}
