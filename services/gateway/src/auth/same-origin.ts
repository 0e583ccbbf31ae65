import { Problem } from '#libs/contracts';
import type { FastifyRequest } from 'fastify';
import { isCsrfToken } from './session-cookie.js';

/** The request comes from a page of this host, or from the person: from the address bar or a bookmark. */
const OWN = ['same-origin', 'none'];
const HARMLESS = ['GET', 'HEAD'];

/**
 * Refuses requests that a page of another site has caused. Browsers say so in a header that scripts cannot set
 * (https://www.w3.org/TR/fetch-metadata/); what is no browser sends none.
 * @throws Problem `csrf-token-invalid`
 */
export function assertOwnSite({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && !OWN.includes(String(site)))
    throw new Problem('csrf-token-invalid', { detail: 'A page of another site has caused this request.' });
}

/**
 * Requires the session's token of every request that may change something.
 * @throws Problem `csrf-token-invalid`
 */
export function assertCsrfToken({ method, headers }: FastifyRequest, secret: string): void {
  if (HARMLESS.includes(method) || isCsrfToken(headers['x-csrf-token'], secret)) return;
  throw new Problem('csrf-token-invalid', {
    detail: 'Send the `csrfToken` of `GET /v1/auth/session` as `X-CSRF-Token`.',
  });
}
