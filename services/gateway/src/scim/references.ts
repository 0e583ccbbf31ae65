import type { ScimObject, ScimProjection } from '#libs/contracts';
import { isObject, SCIM_ENTERPRISE_USER } from '#libs/scim';
import type { FastifyRequest } from 'fastify';
import type { GatewayConfig } from '../gateway.config.js';
import { originOf } from '../http/request.js';
import { SCIM_ROOT } from './scim-reply.js';

/** The URL of `/scim/v2` as the client sees it: from `PUBLIC_URL`, otherwise from the request and our own proxies. */
export const baseUrlOf = (request: FastifyRequest, config: GatewayConfig): string =>
  originOf(request, config) + SCIM_ROOT;

/** The projection for identity, with the ids that `$ref` is built from. */
export const projectionWithIds = ({ attributes, excludedAttributes }: ScimProjection): ScimProjection => ({
  ...(attributes && { attributes: attributes.map((name) => name.replace(/\.\$ref$/i, '.value')) }),
  ...(excludedAttributes && { excludedAttributes: excludedAttributes.filter((name) => !/\.value$/i.test(name)) }),
});

/** Adds `meta.location` and `$ref`, which identity leaves out because it does not know the URL. */
export function withReferences(resource: ScimObject, type: string, baseUrl: string): ScimObject {
  const { meta } = resource;
  return {
    ...resource,
    ...withRef(resource, 'groups', `${baseUrl}/Groups`),
    ...withRef(resource, 'members', `${baseUrl}/Users`),
    ...withManagerRef(resource, `${baseUrl}/Users`),
    ...(isObject(meta) && { meta: { ...meta, location: `${baseUrl}/${type}/${String(resource.id)}` } }),
  };
}

function withManagerRef(resource: ScimObject, url: string): ScimObject {
  const extension = resource[SCIM_ENTERPRISE_USER];
  if (!isObject(extension) || !isObject(extension.manager) || !extension.manager.value) return {};
  const { manager } = extension;
  return {
    [SCIM_ENTERPRISE_USER]: { ...extension, manager: { ...manager, $ref: `${url}/${String(manager.value)}` } },
  };
}

function withRef(resource: ScimObject, name: string, url: string): ScimObject {
  const values = resource[name];
  if (!Array.isArray(values)) return {};
  return {
    [name]: values.map((one: unknown) =>
      isObject(one) && one.value ? { ...one, $ref: `${url}/${String(one.value)}` } : one,
    ),
  };
}
