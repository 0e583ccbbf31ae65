import { cutText, Problem, type Call, type Principal } from '#libs/contracts';
import type { FastifyRequest } from 'fastify';
import { publicOrigin, type GatewayConfig } from '../gateway.config.js';
import { headerText } from './encoding.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on public routes. */
    principal?: Principal;
  }
}

/** The media type without parameters, in lower case; empty if the request has none. */
export const mediaTypeOf = (request: FastifyRequest): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();

export const hasBody = (request: FastifyRequest): boolean =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;

export const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!;

/** Characters of a `User-Agent` that are kept. */
const LONGEST_USER_AGENT = 300;

/** Who asks, for sessions and the audit trail. @throws Problem `invalid-encoding` for a `User-Agent` that is no UTF-8 */
export const clientOf = (request: FastifyRequest, trustedProxies: number): Required<Call>['client'] => ({
  ip: clientAddress(request, trustedProxies),
  userAgent: cutText(headerText(request.headers['user-agent'] ?? '', 'User-Agent'), LONGEST_USER_AGENT),
});

/**
 * The client's address. Each of our own proxies appends the address that it sees to `X-Forwarded-For`, so only the last
 * `trustedProxies` entries can be trusted.
 */
export function clientAddress(request: FastifyRequest, trustedProxies: number): string {
  if (trustedProxies === 0) return request.ip;
  const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',');
  const hops = forwarded.split(',').map((hop) => hop.trim());
  return hops.at(-trustedProxies) || request.ip;
}

/**
 * The origin at which the client reaches us: `PUBLIC_URL`, otherwise as the request and our own proxies say.
 * @throws Problem `malformed-request` if that is no host
 */
export function originOf(request: FastifyRequest, config: GatewayConfig): string {
  const known = publicOrigin(config);
  if (known !== undefined) return known;
  const { trustedProxies } = config;
  const forwarded = trustedProxies > 0 ? [request.headers['x-forwarded-proto']].flat()[0]?.split(',')[0]?.trim() : '';
  const scheme = forwarded === 'https' || forwarded === 'http' ? forwarded : request.protocol;
  const origin = `${scheme}://${request.host}`;
  if (!URL.canParse(origin)) throw new Problem('malformed-request');
  return origin;
}
