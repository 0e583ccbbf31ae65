import { ServiceClient } from '#libs/broker';
import { NOBODY, Problem, SCIM_TOKEN_PREFIX, type Operation, type ScimAccess } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { clientAddress } from '../http/request.js';
import { TokenBuckets } from '../limits/token-bucket.js';

/**
 * Calls identity on behalf of identity providers. SCIM tokens are the only ones accepted here, and they are accepted
 * nowhere else.
 */
@Injectable()
export class ScimClient {
  private readonly failedTokens: TokenBuckets;

  constructor(
    private readonly services: ServiceClient,
    private readonly config: GatewayConfig,
    clock: Clock,
  ) {
    this.failedTokens = new TokenBuckets(config.failedTokensPerMinute, clock);
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
    const address = clientAddress(request, this.config.trustedProxies);
    const retryAfter = this.failedTokens.wait(address);
    if (retryAfter > 0) throw new Problem('too-many-requests', { retryAfter });
    this.failedTokens.take(address);
    try {
      const call = { principal: NOBODY, params, query: {}, body: { ...body, token: tokenOf(request) } as B };
      const response = await this.services.call<B, object, A>(operation, call);
      this.failedTokens.giveBack(address);
      return response;
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'unauthenticated')) this.failedTokens.giveBack(address);
      throw error;
    }
  }
}

function tokenOf({ headers }: FastifyRequest): string {
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (!token?.startsWith(SCIM_TOKEN_PREFIX)) throw new Problem('unauthenticated');
  return token;
}
