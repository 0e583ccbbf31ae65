import { Problem } from '#libs/contracts';
import type { FastifyInstance } from 'fastify';
import { pathOf } from '../http/request.js';
import { SCIM_ROOT } from './scim-reply.js';

const TRAILING_SLASH = new RegExp(`^(${SCIM_ROOT}/[^/?]+(?:/[^/?]+)*)/(?=\\?|$)`);
const DISCOVERY = new RegExp(`^${SCIM_ROOT}/(ServiceProviderConfig|Schemas|ResourceTypes)(/|$)`);
const READ_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Removes one trailing slash: some SCIM clients send `/Users/?filter=…`. */
export const withoutLastSlash = (url: string): string => url.replace(TRAILING_SLASH, '$1');

/** Makes the discovery endpoints read-only (RFC 7644, 4), before the body of a request is parsed. */
export function keepDiscoveryReadOnly(instance: FastifyInstance): void {
  instance.addHook('onRequest', (request, reply, done) => {
    if (READ_METHODS.includes(request.method) || !DISCOVERY.test(pathOf(request))) return done();
    void reply.header('allow', READ_METHODS.join(', '));
    done(new Problem('method-not-allowed', { valid: READ_METHODS }));
  });
}
