import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import { SECURITY_HEADERS } from './http/http-setup.js';
import { problemOf, sendProblem } from './http/problem.filter.js';
import { withoutLastSlash } from './scim/scim-paths.js';

/** What is started: by `main.ts` alone, by tests together with other services. */
export const gateway = {
  name: 'gateway',
  module: GatewayModule,
  config: GatewayConfig,
  adapter: () =>
    new FastifyAdapter({
      rewriteUrl: ({ url = '/' }) => withoutLastSlash(url),
      // An address that can't be decoded is refused before any hook runs.
      frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
        sendProblem(reply.headers(SECURITY_HEADERS), problemOf(error)),
    }),
};
