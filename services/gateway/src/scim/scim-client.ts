import { ServiceClient } from '#libs/broker';
import { NOBODY, Problem, SCIM_TOKEN_PREFIX, type Operation, type ScimAccess } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { clientAddress } from '../http/request.js';
import { TokenBuckets } from '../limits/token-bucket.js';

/** Hands the requests of identity providers on. No other token is good here, and theirs are good nowhere else. */
@Injectable()
export class ScimClient {
  private readonly guesses: TokenBuckets;

  constructor(
    private readonly services: ServiceClient,
    private readonly config: GatewayConfig,
    clock: Clock,
  ) {
    this.guesses = new TokenBuckets(config.failedTokensPerMinute, clock);
  }

  /**
   * @param said what goes with the token
   * @throws Problem `unauthenticated`; `too-many-requests` for an address that tries many tokens; whatever identity says
   */
  async call<A, B extends ScimAccess>(
    operation: Operation<B, object, A>,
    request: FastifyRequest,
    said: Omit<B, 'token'>,
    params: Record<string, string> = {},
  ): Promise<A> {
    const address = clientAddress(request, this.config.trustedProxies);
    const retryAfter = this.guesses.wait(address);
    if (retryAfter > 0) throw new Problem('too-many-requests', { retryAfter });
    this.guesses.take(address);
    try {
      const body = { ...said, token: tokenOf(request) } as B;
      const answer = await this.services.call<B, object, A>(operation, { principal: NOBODY, params, query: {}, body });
      this.guesses.giveBack(address);
      return answer;
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'unauthenticated')) this.guesses.giveBack(address);
      throw error;
    }
  }
}

function tokenOf({ headers }: FastifyRequest): string {
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (!token?.startsWith(SCIM_TOKEN_PREFIX)) throw new Problem('unauthenticated');
  return token;
}
