import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import { invalidAddress } from './http/encoding.js';
import { SECURITY_HEADERS } from './http/http-setup.js';
import { problemOf, sendProblem } from './http/problem.filter.js';
import { withoutLastSlash } from './scim/scim-paths.js';

/** How the gateway is started: alone by `main.ts`, or together with other services by tests. */
export const gateway = {
  name: 'gateway',
  module: GatewayModule,
  config: GatewayConfig,
  adapter: () =>
    new FastifyAdapter({
      // A client that has vanished without closing its connection is noticed after 40 seconds.
      http: { keepAlive: true, keepAliveInitialDelay: 30_000 },
      rewriteUrl: ({ url = '/' }) => withoutLastSlash(url),
      // A URL that cannot be decoded is refused before any hook runs.
      frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
        sendProblem(
          reply.headers(SECURITY_HEADERS),
          error.code === 'FST_ERR_BAD_URL' ? invalidAddress() : problemOf(error),
        ),
    }),
};
