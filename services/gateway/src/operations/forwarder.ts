import { ServiceClient } from '#libs/broker';
import { NOBODY, type Operation } from '#libs/contracts';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { clientOf, pathOf } from '../http/request.js';
import { RateLimits } from '../limits/rate-limits.js';
import { idempotencyOf } from './idempotency.js';
import { locationOf } from './location.js';
import { PublicLinks } from './public-links.js';
import { readCall } from './read-call.js';

/** Forwards a validated request to the service that owns the operation and returns its answer. */
@Injectable()
export class Forwarder {
  constructor(
    private readonly services: ServiceClient,
    private readonly limits: RateLimits,
    private readonly config: GatewayConfig,
    private readonly links: PublicLinks,
  ) {}

  /**
   * @throws Problem for an invalid request, any problem from the service, or `service-unavailable` when it does not
   * answer
   */
  async forward(operation: Operation, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const parts = readCall(operation, request);
    const client = clientOf(request, this.config.trustedProxies);
    const idempotency = idempotencyOf(operation, request, client.ip);
    const principal = request.principal ?? NOBODY;
    const counted = { address: client.ip, body: parts.body, principal: request.principal };
    const answer = await this.limits.guard(operation, counted, () =>
      this.services.call(operation, { principal, ...parts, idempotency, client }),
    );
    const location = locationOf(operation, pathOf(request), answer);
    if (location) reply.header('location', location);
    this.links.complete(operation.answer, answer);
    return answer ?? undefined;
  }
}
