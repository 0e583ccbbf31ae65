import { Problem } from '#libs/contracts';
import type { FastifyInstance } from 'fastify';
import { pathOf } from '../http/request.js';
import { SCIM_ROOT } from './scim-reply.js';

const LAST_SLASH = new RegExp(`^(${SCIM_ROOT}/[^/?]+(?:/[^/?]+)*)/(?=\\?|$)`);
const DISCOVERY = new RegExp(`^${SCIM_ROOT}/(ServiceProviderConfig|Schemas|ResourceTypes)(/|$)`);
const READING = ['GET', 'HEAD', 'OPTIONS'];

/** SCIM clients write `/Users/?filter=…` as well. */
export const withoutLastSlash = (url: string): string => url.replace(LAST_SLASH, '$1');

/** What is described can only be read (RFC 7644, 4), whatever else the request holds. */
export function keepDiscoveryReadOnly(instance: FastifyInstance): void {
  instance.addHook('onRequest', (request, reply, done) => {
    if (READING.includes(request.method) || !DISCOVERY.test(pathOf(request))) return done();
    void reply.header('allow', READING.join(', '));
    done(new Problem('method-not-allowed', { valid: READING }));
  });
}
