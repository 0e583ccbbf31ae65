import { runInContext } from './work-context.js';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { Metrics } from './metrics.js';
import { contextOf, isRoutine } from './tracing-http.js';

/**
 * Logs and measures every HTTP response by its route. Paths, queries and bodies are left out, because they may contain
 * ids and names.
 */
export function observeRequests(app: NestFastifyApplication, log: Logger): void {
  const seconds = app
    .get(Metrics)
    .histogram('leaver_http_seconds', 'Time to answer a request', ['method', 'route', 'status']);
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onResponse', (request, reply, done) => {
      const { method } = request;
      const route = request.routeOptions.url ?? 'none';
      const status = reply.statusCode;
      const level = isRoutine(route) ? 'debug' : 'info';
      const facts = { method, route, status, ms: Math.round(reply.elapsedTime) };
      runInContext(contextOf(request), () => log[level](facts, 'answered'));
      seconds.observe({ method, route, status }, reply.elapsedTime / 1_000);
      done();
    });
}
