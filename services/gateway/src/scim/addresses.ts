import type { ScimObject } from '#libs/contracts';
import type { FastifyRequest } from 'fastify';
import { publicOrigin, type GatewayConfig } from '../gateway.config.js';
import { SCIM_ROOT } from './scim-reply.js';

/** Where the client reaches us: PUBLIC_URL, else what the request and our own proxies say. */
export function rootOf(request: FastifyRequest, config: GatewayConfig): string {
  const origin = publicOrigin(config);
  if (origin !== undefined) return origin + SCIM_ROOT;
  const { trustedProxies } = config;
  const forwarded = trustedProxies > 0 ? [request.headers['x-forwarded-proto']].flat()[0]?.split(',')[0]?.trim() : '';
  const scheme = forwarded === 'https' || forwarded === 'http' ? forwarded : request.protocol;
  return `${scheme}://${request.host}${SCIM_ROOT}`;
}

/** The resource with the addresses of itself and of what it names; identity knows none. */
export function addressed(resource: ScimObject, type: string, root: string): ScimObject {
  const { meta } = resource;
  return {
    ...resource,
    ...refer(resource, 'groups', `${root}/Groups`),
    ...refer(resource, 'members', `${root}/Users`),
    ...(isObject(meta) && { meta: { ...meta, location: `${root}/${type}/${String(resource.id)}` } }),
  };
}

function refer(resource: ScimObject, name: string, at: string): ScimObject {
  const list = resource[name];
  if (!Array.isArray(list)) return {};
  return {
    [name]: list.map((one: unknown) =>
      isObject(one) && one.value ? { ...one, $ref: `${at}/${String(one.value)}` } : one,
    ),
  };
}

const isObject = (value: unknown): value is ScimObject => typeof value === 'object' && value !== null;
