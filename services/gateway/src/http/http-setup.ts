import multipart from '@fastify/multipart';
import { Problem } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayConfig } from '../gateway.config.js';
import { keepDiscoveryReadOnly } from '../scim/scim-paths.js';
import { SCIM_JSON } from '../scim/scim-reply.js';
import { AllowedMethods } from './allowed-methods.js';
import { refuseInvalidAddresses, textOf } from './encoding.js';
import { pathOf } from './request.js';
import { checkJson } from './sane-json.js';
import { closeSilentConnections } from './silent-connections.js';
import { SlowBodies } from './slow-bodies.js';

type Done = (error?: Error) => void;

const VALID_REQUEST_ID = /^[\w.:-]{1,100}$/;

export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Parsers and hooks for every request. Nest creates this before it registers the routes. */
@Injectable()
export class HttpSetup {
  constructor(
    host: HttpAdapterHost<FastifyAdapter>,
    config: GatewayConfig,
    private readonly ids: Ids,
    clock: Clock,
  ) {
    const adapter = host.httpAdapter;
    const instance: FastifyInstance = adapter.getInstance();
    acceptJson(adapter, instance, config.jsonLimitBytes);
    // Not parsed: the route's handler reads the stream with back-pressure.
    instance.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload));
    void instance.register(multipart);
    closeSilentConnections(instance);
    ignoreExpectations(instance);
    requireHost(instance);
    new SlowBodies(instance, clock);
    instance.addHook('onRequest', (request, reply, done) => this.setHeaders(request, reply, done));
    refuseInvalidAddresses(instance);
    keepDiscoveryReadOnly(instance);
    refuseUnknownRoutes(instance);
    refuseNulls(instance);
  }

  private setHeaders(request: FastifyRequest, reply: FastifyReply, done: Done): void {
    const given = request.headers['x-request-id'];
    request.id = typeof given === 'string' && VALID_REQUEST_ID.test(given) ? given : this.ids.next();
    void reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
    done();
  }
}

function acceptJson(adapter: FastifyAdapter, instance: FastifyInstance, bodyLimit: number): void {
  const parse = instance.getDefaultJsonParser('error', 'error');
  for (const mediaType of ['application/json', SCIM_JSON]) {
    adapter.useBodyParser(
      mediaType,
      false,
      { bodyLimit },
      (request, body: Buffer, done: (error: Error | null, body?: unknown) => void) => {
        if (body.length === 0) return done(null, undefined);
        let text: string;
        try {
          text = textOf(body, 'The body');
        } catch (refusal) {
          return done(refusal as Problem);
        }
        return parse(request, text, (error, value) => {
          if (error) return done(new Problem('invalid-json'));
          try {
            checkJson(value);
          } catch (refusal) {
            return done(refusal as Problem);
          }
          done(null, value);
        });
      },
    );
  }
}

/** Answers 404 or 405 before the body of the request is read. */
function refuseUnknownRoutes(instance: FastifyInstance): void {
  const methods = new AllowedMethods(instance);
  instance.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const allowed = methods.of(pathOf(request));
    if (allowed.length === 0) return done(new Problem('not-found'));
    reply.header('allow', allowed.join(', '));
    if (request.method === 'OPTIONS') return void reply.status(204).send();
    done(new Problem('method-not-allowed', { valid: allowed }));
  });
}

/** RFC 9112, 3.2. Node would answer without a body. */
function requireHost(instance: FastifyInstance): void {
  instance.addHook('onRequest', ({ raw: { headers, httpVersion } }, _reply, done) => {
    done(headers.host === undefined && httpVersion !== '1.0' ? new Problem('malformed-request') : undefined);
  });
}

/** An `Expect` that is not known may be ignored (RFC 9110, 10.1.1); Node would answer without a body. */
function ignoreExpectations({ server }: FastifyInstance): void {
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  });
}

/** U+0000 cannot be stored, so no path has it and no query can match it. */
function refuseNulls(instance: FastifyInstance): void {
  instance.addHook('onRequest', (request, _reply, done) => {
    if (!request.url.includes('%00')) return done();
    if (pathOf(request).includes('%00')) return done(new Problem('not-found'));
    done(new Problem('validation', { errors: [{ field: '', message: 'The URL must not contain U+0000' }] }));
  });
}
