import { startSpan } from './spans.js';
import { isTraceparent, runInContext, type WorkContext } from './work-context.js';
import type { Ids } from '#libs/database';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';

const contexts = new WeakMap<FastifyRequest, WorkContext>();

/** Routes that are polled by machines. They get no traces and are logged only at level `debug`. */
export const isRoutine = (route: string): boolean => /^\/(health|metrics)/.test(route);

/** The trace and the id of a request. */
export const contextOf = (request: FastifyRequest): WorkContext =>
  contexts.get(request) ?? { requestId: String(request.id) };

/** Gives every request a trace, the client's or a new one. All work for the request belongs to it. */
export function traceRequests(app: NestFastifyApplication, ids: Ids): void {
  const instance = app.getHttpAdapter().getInstance();
  instance.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url;
    if (route && !isRoutine(route)) begin(request, reply, route, ids);
    done();
  });
  // Reading the body between the hooks loses the async context, so it is entered again here.
  instance.addHook('preHandler', (request, _reply, done) => runInContext(contexts.get(request) ?? {}, done));
}

function begin(request: FastifyRequest, reply: FastifyReply, route: string, ids: Ids): void {
  const given = request.headers.traceparent;
  const parent = isTraceparent(given) ? given : undefined;
  // The template of the path, because the path contains ids and the query may contain names.
  const attributes = { 'http.request.method': request.method, 'http.route': route, 'url.scheme': 'http' };
  const span = startSpan({ name: `${request.method} ${route}`, kind: 'server', parent, attributes });
  const traceparent = span?.traceparent ?? parent ?? newTraceparent(ids);
  contexts.set(request, { requestId: String(request.id), traceparent });
  // `close` is also emitted when the client disconnects before the response.
  reply.raw.once('close', () => {
    const status = reply.statusCode;
    span?.set({ 'http.response.status_code': status });
    span?.end(status >= 500 ? String(status) : undefined);
  });
}

function newTraceparent(ids: Ids): string {
  const span = Buffer.from(ids.secret(8), 'base64url').toString('hex');
  return `00-${ids.next().replaceAll('-', '')}-${span}-01`;
}
