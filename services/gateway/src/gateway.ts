import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import { invalidAddress } from './http/encoding.js';
import { SECURITY_HEADERS } from './http/http-setup.js';
import { problemOf, sendProblem } from './http/problem.filter.js';
import { refuseConnection } from './http/raw-problem.js';
import { withoutLastSlash } from './scim/scim-paths.js';

/** Milliseconds from the start of a connection or request until all headers must have arrived. */
const HEADERS_TIMEOUT_MS = 15_000;
const LOOK_EVERY_MS = 1_000;

/** How the gateway is started: alone by `main.ts`, or together with other services by tests. */
export const gateway = {
  name: 'gateway',
  module: GatewayModule,
  config: GatewayConfig,
  adapter: () =>
    new FastifyAdapter({
      http: {
        // A client that has vanished without closing its connection is noticed after 40 seconds.
        keepAlive: true,
        keepAliveInitialDelay: 30_000,
        headersTimeout: HEADERS_TIMEOUT_MS,
        connectionsCheckingInterval: LOOK_EVERY_MS,
        requireHostHeader: false,
      },
      clientErrorHandler: refuseConnection,
      rewriteUrl: ({ url = '/' }) => withoutLastSlash(url),
      // A URL that cannot be decoded is refused before any hook runs.
      frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
        sendProblem(
          reply.headers(SECURITY_HEADERS),
          error.code === 'FST_ERR_BAD_URL' ? invalidAddress() : problemOf(error),
        ),
    }),
};
