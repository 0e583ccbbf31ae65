import { startSpan } from './spans.js';
import { isTraceparent, runInContext, type WorkContext } from './work-context.js';
import type { Ids } from '#libs/database';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';

const contexts = new WeakMap<FastifyRequest, WorkContext>();

/** Asked for by machines all the time: not worth a trace, and in the log only where it tells all. */
export const isRoutine = (route: string): boolean => /^\/(health|metrics)/.test(route);

/** The trace of a request and its id. */
export const contextOf = (request: FastifyRequest): WorkContext =>
  contexts.get(request) ?? { requestId: String(request.id) };

/** Gives every request a trace, the client's or a new one, which everything that is done for it belongs to. */
export function traceRequests(app: NestFastifyApplication, ids: Ids): void {
  const instance = app.getHttpAdapter().getInstance();
  instance.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url;
    if (route && !isRoutine(route)) begin(request, reply, route, ids);
    done();
  });
  // The body is read in between, and what reads it forgets for whom.
  instance.addHook('preHandler', (request, _reply, done) => runInContext(contexts.get(request) ?? {}, done));
}

function begin(request: FastifyRequest, reply: FastifyReply, route: string, ids: Ids): void {
  const given = request.headers.traceparent;
  const parent = isTraceparent(given) ? given : undefined;
  // The template of the path: in the path itself there are ids, in the query there may be names.
  const attributes = { 'http.request.method': request.method, 'http.route': route, 'url.scheme': 'http' };
  const span = startSpan({ name: `${request.method} ${route}`, kind: 'server', parent, attributes });
  const traceparent = span?.traceparent ?? parent ?? newTraceparent(ids);
  contexts.set(request, { requestId: String(request.id), traceparent });
  // Also comes when the client has gone without waiting for the answer.
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
