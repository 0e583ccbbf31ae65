import { scimGroups, scimUsers, type Schema } from '#libs/contracts';
import { RESOURCE_TYPES, SCHEMAS } from '#libs/scim';
import { SCIM_JSON } from '../scim/scim-reply.js';
import { SERVICE_PROVIDER_CONFIG } from '../scim/service-provider-config.js';
import { EXAMPLE_ID } from './example-facts.js';
import { KEYS, KEYS_EXAMPLE, KEYS_PARAMETERS } from './key-set.js';

type Described = Record<string, unknown>;
type Paths = Record<string, Record<string, Described>>;

const json = (schema: Schema, example: unknown) => ({ 'application/json': { schema, example } });
/** What differs from a request without parameters that is always answered with 200. */
interface Differences {
  parameters?: object[];
  responses?: object;
}

const open = (
  id: string,
  summary: string,
  content: object,
  { parameters, responses }: Differences = {},
): { get: Described } => ({
  get: {
    operationId: id,
    summary,
    tags: ['system'],
    security: [],
    ...(parameters && { parameters }),
    responses: { 200: { description: 'OK', content }, ...responses },
  },
});

const OBJECT: Schema = { type: 'object' };
const HEALTH: Schema = {
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['ok', 'error', 'shutting_down'] },
    info: OBJECT,
    error: OBJECT,
    details: OBJECT,
  },
  required: ['status'],
};
const healthy = { status: 'ok', info: { nats: { status: 'up' } }, error: {}, details: { nats: { status: 'up' } } };
const unhealthy = {
  status: 'error',
  info: {},
  error: { nats: { status: 'down' } },
  details: { nats: { status: 'down' } },
};

/** Routes that are not operations of the API: its description and its keys. */
const SYSTEM: Paths = {
  '/': open(
    'system.links',
    'Links to the API and its documentation',
    json({ type: 'object', additionalProperties: { type: 'string' } }, { name: 'Leaver', openapi: '/openapi.json' }),
  ),
  '/console.json': open(
    'system.console',
    'What the console reads before anybody has signed in',
    json(OBJECT, { demoAccounts: [] }),
  ),
  '/openapi.json': open('system.openapi', 'This document', json(OBJECT, { openapi: '3.1.1' })),
  '/asyncapi.json': open(
    'system.asyncapi',
    'The events, as an AsyncAPI 3 document',
    json(OBJECT, { asyncapi: '3.0.0' }),
  ),
  '/docs': open('system.docs', 'This document as a web page', {
    'text/html': { schema: { type: 'string' }, example: '<!doctype html>' },
  }),
  '/.well-known/jwks.json': open('system.keys', 'The public keys of identity (RFC 7517)', json(KEYS, KEYS_EXAMPLE), {
    parameters: KEYS_PARAMETERS,
  }),
};

/** Routes of every service, which proxies do not forward. */
export const INTERNAL_PATHS: Paths = {
  '/health/live': open('system.live', 'Liveness probe; not public', json(HEALTH, { status: 'ok' })),
  '/health/ready': open('system.ready', 'Readiness probe; not public', json(HEALTH, healthy), {
    responses: { 503: { description: 'Not yet', content: json(HEALTH, unhealthy) } },
  }),
};

export const SCIM_SCHEMAS: Record<string, Schema> = {
  ScimResource: {
    type: 'object',
    description: 'A User or Group (RFC 7643), or a schema or resource type.',
    properties: {
      schemas: { type: 'array', items: { type: 'string' } },
      id: { type: 'string' },
      meta: { type: 'object', properties: { resourceType: { type: 'string' }, location: { type: 'string' } } },
    },
    additionalProperties: true,
  },
  ScimList: {
    type: 'object',
    properties: {
      schemas: { type: 'array', items: { type: 'string' } },
      totalResults: { type: 'integer' },
      startIndex: { type: 'integer' },
      itemsPerPage: { type: 'integer' },
      Resources: { type: 'array', items: { $ref: '#/components/schemas/ScimResource' } },
    },
    required: ['schemas', 'totalResults'],
  },
  ScimError: {
    type: 'object',
    description: 'RFC 7644, 3.12.',
    properties: {
      schemas: { type: 'array', items: { type: 'string' } },
      status: { type: 'string' },
      scimType: { type: 'string' },
      detail: { type: 'string', description: 'Starts with the problem code that the rest of the API uses.' },
    },
    required: ['schemas', 'status', 'detail'],
  },
};

const USER = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: 'maya@example.com',
  name: { givenName: 'Maya', familyName: 'Okafor' },
  active: true,
};
const GROUP = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Wholesale' };
const message = (name: string) => `urn:ietf:params:scim:api:messages:2.0:${name}`;
const PATCH = { schemas: [message('PatchOp')], Operations: [{ op: 'replace', path: 'active', value: false }] };
const RENAME = { schemas: [message('PatchOp')], Operations: [{ op: 'replace', path: 'displayName', value: 'Retail' }] };
const search = (filter: string) => ({ schemas: [message('SearchRequest')], filter });
const REFUSED = { schemas: [message('Error')], status: '401', detail: 'unauthenticated: Please sign in' };

const scim = (schema: string, example: unknown) => ({
  content: { [SCIM_JSON]: { schema: { $ref: `#/components/schemas/${schema}` }, example } },
});
const parameter = (name: string, where: 'path' | 'query' | 'header', about: string, type = 'string') => ({
  name,
  in: where,
  required: where === 'path',
  description: about,
  schema: { type },
});
const VIEW = [
  parameter('attributes', 'query', 'Only these attributes.'),
  parameter('excludedAttributes', 'query', 'All except these attributes.'),
];
const FILTERS = [
  parameter('filter', 'query', 'RFC 7644, 3.4.2.2. An unsupported filter is refused.'),
  parameter('sortBy', 'query', 'An attribute.'),
  parameter('sortOrder', 'query', '`ascending` or `descending`.'),
  parameter('startIndex', 'query', 'From 1.', 'integer'),
  parameter('count', 'query', 'Maximum number of results.', 'integer'),
];
const CONDITIONS = [
  parameter('If-Match', 'header', 'ETags, or `*`. If the version differs, the answer is 412.'),
  parameter(
    'If-None-Match',
    'header',
    'ETags, or `*`. If the version is one of these, the answer is 412, or 304 for a GET.',
  ),
];

interface ScimRoute {
  id: string;
  summary: string;
  status?: 200 | 201 | 204;
  answer?: object;
  body?: unknown;
  parameters?: object[];
  /** Whether it may also answer 204. */
  maybeEmpty?: boolean;
  /** Whether it may also answer 304. */
  conditional?: boolean;
}

function scimRoute({
  id,
  summary,
  status = 200,
  answer,
  body,
  parameters = [],
  maybeEmpty,
  conditional,
}: ScimRoute): Described {
  return {
    operationId: id,
    summary,
    tags: ['scim'],
    security: [{ scim: [] }],
    parameters,
    ...(body !== undefined && { requestBody: { required: true, ...scim('ScimResource', body) } }),
    responses: {
      [status]: { description: { 200: 'OK', 201: 'Created', 204: 'Done' }[status], ...answer },
      ...(maybeEmpty && { 204: { description: 'Done' } }),
      ...(conditional && { 304: { description: 'Not modified' } }),
      '4XX': { description: 'Refused', ...scim('ScimError', REFUSED) },
      '5XX': {
        description: 'Temporarily not available',
        ...scim('ScimError', { ...REFUSED, status: '503', detail: 'service-unavailable' }),
      },
    },
  };
}

/** What a request and its answer show, by type of resource. */
interface ScimExamples {
  resource: object;
  /** A change, and what it changes. */
  patch: object;
  changed: object;
  filter: string;
}

function scimResource(
  type: 'Users' | 'Groups',
  calls: typeof scimUsers,
  { resource, patch, changed, filter }: ScimExamples,
): Paths {
  const example = { ...resource, id: EXAMPLE_ID };
  const one = scim('ScimResource', example);
  const list = scim('ScimList', {
    schemas: [message('ListResponse')],
    totalResults: 0,
    startIndex: 1,
    itemsPerPage: 0,
    Resources: [],
  });
  const id = { ...parameter('id', 'path', 'The SCIM id.'), schema: { type: 'string', format: 'uuid' } };
  const describe = (name: keyof typeof calls, more: Omit<ScimRoute, 'id' | 'summary'>) =>
    scimRoute({ id: calls[name].id, summary: calls[name].summary, ...more });
  return {
    [`/scim/v2/${type}`]: {
      get: describe('search', { answer: list, parameters: [...FILTERS, ...VIEW] }),
      post: describe('create', { status: 201, answer: one, body: resource, parameters: VIEW }),
    },
    [`/scim/v2/${type}/.search`]: {
      post: { ...describe('search', { answer: list, body: search(filter) }), operationId: `${calls.search.id}.post` },
    },
    [`/scim/v2/${type}/{id}`]: {
      get: describe('get', { answer: one, parameters: [id, ...CONDITIONS, ...VIEW], conditional: true }),
      put: describe('replace', { answer: one, body: resource, parameters: [id, ...CONDITIONS, ...VIEW] }),
      patch: describe('change', {
        answer: scim('ScimResource', { ...example, ...changed }),
        body: patch,
        parameters: [id, ...CONDITIONS, ...VIEW],
        maybeEmpty: true,
      }),
      delete: describe('remove', { status: 204, parameters: [id, ...CONDITIONS] }),
    },
  };
}

function scimDiscovery(): Paths {
  const listOf = (resources: Iterable<object>) => {
    const Resources = [...resources];
    return scim('ScimList', { schemas: [message('ListResponse')], totalResults: Resources.length, Resources });
  };
  const first = (resources: ReadonlyMap<string, object>) => scim('ScimResource', [...resources.values()][0]);
  const name = [parameter('name', 'path', 'The id of the schema or resource type.')];
  const route = (id: string, summary: string, answer: object, parameters: object[] = []) => ({
    get: scimRoute({ id: `scim.${id}`, summary, answer, parameters }),
  });
  return {
    '/scim/v2/ServiceProviderConfig': route(
      'configuration',
      'SCIM: what is supported',
      scim('ScimResource', SERVICE_PROVIDER_CONFIG),
    ),
    '/scim/v2/Schemas': route('schemas', 'SCIM: the schemas', listOf(SCHEMAS.values())),
    '/scim/v2/Schemas/{name}': route('schema', 'SCIM: one schema', first(SCHEMAS), name),
    '/scim/v2/ResourceTypes': route('resource-types', 'SCIM: the types of resources', listOf(RESOURCE_TYPES.values())),
    '/scim/v2/ResourceTypes/{name}': route('resource-type', 'SCIM: one type of resources', first(RESOURCE_TYPES), name),
  };
}

/** The public routes of the gateway that are not declared as operations. */
export const OTHER_PATHS: Paths = {
  ...scimDiscovery(),
  ...scimResource('Users', scimUsers, {
    resource: USER,
    patch: PATCH,
    changed: { active: false },
    filter: 'userName eq "maya@example.com"',
  }),
  ...scimResource('Groups', scimGroups, {
    resource: GROUP,
    patch: RENAME,
    changed: { displayName: 'Retail' },
    filter: 'displayName eq "Wholesale"',
  }),
  ...SYSTEM,
};
