import { ServiceClient } from '#libs/broker';
import { NOBODY, Problem, SCIM_TOKEN_PREFIX, type Operation, type ScimAccess } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { clientAddress } from '../http/request.js';
import { clientKey } from '../limits/client-key.js';
import { CounterStore } from '../limits/counter-store.js';
import { RateLimited } from '../limits/rate-limits.js';
import { SharedLimit } from '../limits/shared-limit.js';

/**
 * Calls identity on behalf of identity providers. SCIM tokens are the only ones accepted here, and they are accepted
 * nowhere else.
 */
@Injectable()
export class ScimClient {
  private readonly failedTokens: SharedLimit;

  constructor(
    private readonly services: ServiceClient,
    private readonly config: GatewayConfig,
    store: CounterStore,
    clock: Clock,
  ) {
    this.failedTokens = new SharedLimit('failed-scim-tokens', config.failedTokensPerMinute, store, clock);
  }

  /**
   * @param body the call's body without the token
   * @throws Problem `unauthenticated`; `too-many-requests` for an address with many failed tokens; what identity throws
   */
  async call<A, B extends ScimAccess>(
    operation: Operation<B, object, A>,
    request: FastifyRequest,
    body: Omit<B, 'token'>,
    params: Record<string, string> = {},
  ): Promise<A> {
    const client = clientKey(clientAddress(request, this.config.trustedProxies));
    const verdict = this.failedTokens.peek(client);
    if (!verdict.allowed) throw new RateLimited(this.failedTokens, verdict);
    try {
      const call = { principal: NOBODY, params, query: {}, body: { ...body, token: tokenOf(request) } as B };
      return await this.services.call<B, object, A>(operation, call);
    } catch (error) {
      if (error instanceof Problem && error.code === 'unauthenticated') this.failedTokens.count(client);
      throw error;
    }
  }
}

function tokenOf({ headers }: FastifyRequest): string {
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (!token?.startsWith(SCIM_TOKEN_PREFIX)) throw new Problem('unauthenticated');
  return token;
}
