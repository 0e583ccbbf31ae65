import * as contracts from '#libs/contracts';
import { ALL_OPERATIONS, operation, Text } from '#libs/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestMethod } from '@nestjs/common';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { bodyOf, World } from '../../test/world.js';
import { GatewayModule } from '../gateway.module.js';
import { openApiDocument } from './document.js';

interface Described {
  operationId: string;
  tags: string[];
  security?: unknown[];
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

let world: World;
let document: ReturnType<typeof openApiDocument> & { paths: Record<string, Record<string, Described>> };

beforeAll(async () => {
  world = await World.create();
  document = await bodyOf(await fetch(`${world.url}/openapi.json`));
});
afterAll(() => world.close());

const described = ({ method, path }: { method: string; path: string }) =>
  document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];

function* valuesOf(node: unknown, key: string): Generator<unknown> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, value] of Object.entries(node)) {
    if (name === key) yield value;
    yield* valuesOf(value, key);
  }
}

const TYPES = ['Users', 'Groups'];
const OF_EVERY_SERVICE = ['get /health/live', 'get /health/ready'];

/** The routes of a Nest controller, such as `get /v1/users/{id}`. */
function routesOf(controller: { prototype: object }): string[] {
  const base = Reflect.getMetadata('path', controller) as string;
  const methods = Object.values(Object.getOwnPropertyDescriptors(controller.prototype))
    .map(({ value }) => value as unknown)
    .filter((value): value is object => typeof value === 'function' && Reflect.hasMetadata('method', value));
  return methods.map((method) => {
    const path = [base, Reflect.getMetadata('path', method) as string]
      .flatMap((part) => part.split('/'))
      .filter((step) => step !== '');
    const verb = RequestMethod[Reflect.getMetadata('method', method) as number]!.toLowerCase();
    return `${verb} /${path.join('/').replace(/:(\w+)/g, '{$1}')}`;
  });
}

const inDocument = (schema: object) => JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object;

function aValidator(whole: object): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, inlineRefs: false });
  addFormats.default(ajv);
  ajv.addSchema({ ...whole, $id: 'openapi' });
  return ajv;
}

interface MediaType {
  schema?: object;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

interface Content {
  at: string;
  schema: object;
  examples: unknown[];
}

/** Every request and response body with its examples. */
function* contentsOf(node: unknown, at: string[] = []): Generator<Content> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, value] of Object.entries(node)) {
    if (name !== 'content') yield* contentsOf(value, [...at, name]);
    else
      for (const [type, content] of Object.entries(value as Record<string, MediaType>))
        yield contentAt([...at, type], content);
  }
}

const contentAt = (at: string[], { schema = { not: {} }, example, examples = {} }: MediaType): Content => ({
  at: at.join(' '),
  schema,
  examples: [...(example === undefined ? [] : [example]), ...Object.values(examples).map(({ value }) => value)],
});

it('offers every operation that the contracts declare, each at its own address', () => {
  const declared = Object.values(contracts).flatMap((exported) => [exported, ...Object.values(exported ?? {})]);
  const subjects = declared.filter(
    (value): value is contracts.Operation =>
      typeof value === 'object' && value !== null && 'path' in value && 'subject' in value,
  );
  // SCIM has its own routes, media types and description.
  const offered = subjects.filter((operation) => !operation.path.startsWith('/scim/v2/'));
  expect(new Set(ALL_OPERATIONS)).toEqual(new Set(offered));
  const addresses = ALL_OPERATIONS.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, ':')}`);
  expect(addresses.filter((address, n) => addresses.indexOf(address) !== n)).toEqual([]);
});

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it('describes every route that the gateway serves', () => {
    const controllers = Reflect.getMetadata('controllers', GatewayModule) as { prototype: object }[];
    const routes = [...controllers.flatMap(routesOf), ...OF_EVERY_SERVICE];
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    // Assets of the documentation page are excluded; SCIM's routes accept both resource types.
    const offered = routes
      .filter((route) => !route.startsWith('get /docs/'))
      .flatMap((route) => (route.includes('{type}') ? TYPES.map((type) => route.replace('{type}', type)) : [route]));
    expect(offered.length).toBeGreaterThan(ALL_OPERATIONS.length + 10);
    expect(documented.sort()).toEqual(offered.sort());
  });

  it('has an example for every body and response, valid against its schema', () => {
    const ajv = aValidator(document);
    const checks = new Map<string, ValidateFunction>();
    const faults = [...contentsOf(document.paths)].flatMap(({ at, schema, examples }) => {
      if (examples.length === 0) return [`${at}: no example`];
      const key = JSON.stringify(schema);
      const check = checks.get(key) ?? ajv.compile(inDocument(schema));
      checks.set(key, check);
      return examples.flatMap((example) => (check(example) ? [] : [`${at}: ${ajv.errorsText(check.errors)}`]));
    });
    expect(faults).toEqual([]);
  });

  it('describes every operation once', () => {
    const ids = [...valuesOf(document.paths, 'operationId')];
    expect(ids.filter((id, n) => ids.indexOf(id) !== n)).toEqual([]);
    for (const declared of ALL_OPERATIONS)
      expect(described(declared)).toMatchObject({ operationId: declared.id, tags: [declared.service] });
  });

  it('contains no broken references', () => {
    const references = [...valuesOf(document, '$ref')] as string[];
    const broken = references.filter(
      (ref) =>
        !ref
          .slice(2)
          .split('/')
          .reduce<unknown>((node, step) => (node as Record<string, unknown>)?.[step], document),
    );
    expect(references.length).toBeGreaterThan(50);
    expect(broken).toEqual([]);
  });

  it('names every parameter of every path', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { parameters = [] } of Object.values(methods)) {
        const named = parameters
          .filter((parameter) => parameter.in === 'path' && parameter.required)
          .map(({ name }) => name);
        expect([path, named]).toEqual([path, [...path.matchAll(/{(\w+)}/g)].map(([, name]) => name)]);
      }
    }
  });

  it('describes the body, the response and each failure of an operation', () => {
    const invite = document.paths['/v1/users']!.post!;
    expect(invite.requestBody?.content['application/json']?.schema).toEqual({
      $ref: expect.stringMatching(/^#\/components\/schemas\//),
    });
    expect(invite.responses['201']?.content?.['application/json']?.schema).toEqual({
      $ref: '#/components/schemas/InvitedUser',
    });
    const conflict = [...valuesOf(invite.responses['409'], 'enum')].flat();
    expect(conflict).toEqual(expect.arrayContaining(['no-free-seat', 'duplicate-email', 'idempotency-mismatch']));
    expect(Object.keys(invite.responses)).toEqual(expect.arrayContaining(['400', '401', '403', '503']));
  });

  it('marks the operations that need no token', () => {
    for (const declared of ALL_OPERATIONS) {
      expect([declared.id, described(declared)?.security]).toEqual([
        declared.id,
        declared.access === 'public' ? [] : undefined,
      ]);
    }
  });

  it('says who may call an operation that not every signed-in user may call', () => {
    const descriptionOf = (id: string) => described(ALL_OPERATIONS.find((one) => one.id === id)!);
    expect(descriptionOf('audit.list')).toMatchObject({
      description: 'For: owner, admin. An API token needs the scope `admin`.',
    });
    expect(descriptionOf('dashboards.get')).toMatchObject({
      description: 'For the user whose record it is. An API token needs the scope `read`.',
    });
    expect(descriptionOf('segments.get')).toMatchObject({ description: 'An API token needs the scope `read`.' });
    expect(descriptionOf('auth.step-up')).toMatchObject({
      description: expect.stringContaining('Not with an API token.'),
    });
    expect(descriptionOf('auth.login')).toMatchObject({ description: expect.not.stringContaining('API token') });
  });

  it('lists the public origin, if configured, before the server it was read from', async () => {
    expect(document.servers).toEqual([{ url: '/' }]);
    const url = await world.addGateway({ PUBLIC_URL: 'https://leaver.example.com' });
    const { servers } = await bodyOf(await fetch(`${url}/openapi.json`));
    expect(servers).toMatchObject([{ url: 'https://leaver.example.com' }, { url: '/' }]);
  });

  it('cannot be built from two classes with the same name', () => {
    const thing = (name: string) => {
      class Thing {
        name: string;
      }
      Text()(Thing.prototype, 'name');
      const declared = { service: 'x', method: 'GET', access: 'signed-in' } as const;
      return operation({ ...declared, id: name, path: `/${name}`, summary: name, answer: Thing });
    };
    expect(() => openApiDocument([thing('a'), thing('b')] as never)).toThrow('two classes of the API are called Thing');
  });
});

describe('the documentation page', () => {
  it('is served with all of its assets under a policy that allows only those', async () => {
    const page = await fetch(`${world.url}/docs`);
    const html = await page.text();
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
    expect(loaded).toHaveLength(4);
    for (const path of loaded) expect([path, (await fetch(world.url + path)).status]).toEqual([path, 200]);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(html).not.toMatch(/<script>|https?:/);
  });

  it('serves no other files', async () => {
    expect((await fetch(`${world.url}/docs/package.json`)).status).toBe(404);
    expect((await fetch(`${world.url}/docs/..%2fpackage.json`)).status).toBe(404);
  });
});

describe('the start page', () => {
  it('has only working links', async () => {
    const { api: _api, name: _name, ...links } = await bodyOf(await fetch(`${world.url}/`));
    for (const path of Object.values(links))
      expect([path, (await fetch(world.url + path)).status]).toEqual([path, 200]);
  });

  it('links to the keys that verify tokens; metrics are served', async () => {
    expect(await bodyOf(await fetch(`${world.url}/.well-known/jwks.json`))).toEqual({ keys: [world.key.jwk] });
    expect(await (await fetch(world.metricsUrl)).text()).toContain('leaver_http_seconds_count');
  });
});
