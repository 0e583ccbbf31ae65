import { Problem, scimCheck, scimGroups, scimUsers, type ScimProjection } from '#libs/contracts';
import { TestClock } from '#libs/database';
import { project } from '#libs/scim';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anId, bearer, bodyOf, World } from '../../test/world.js';

const TOKEN = 'lvrscim_whatever';
const AS_PROVIDER = { headers: bearer(TOKEN) };

let world: World;
let clock: TestClock;
beforeEach(async () => {
  clock = new TestClock();
  world = await World.create({ env: { FAILED_TOKENS_PER_MINUTE: '3', TRUSTED_PROXIES: '1' }, clock });
});
afterEach(() => world.close());

it('sends token, query and projection to identity', async () => {
  const asked = world.services.handle(scimUsers.search, () => ({ totalResults: 0, resources: [] }));
  const query = 'filter=userName%20eq%20%22a%22&startIndex=0&count=1000&attributes=userName,%20id&unknown=1';
  expect((await world.request('GET', `/scim/v2/Users?${query}`, AS_PROVIDER)).status).toBe(200);
  expect(asked[0]!.body).toEqual({
    token: TOKEN,
    filter: 'userName eq "a"',
    descending: false,
    startIndex: 1,
    count: 200,
    view: { attributes: ['userName', 'id'] },
  });
});

describe('a GET', () => {
  const id = anId();
  const version = 'W/"1"';
  const get = async (headers: Record<string, string>) => {
    world.services.handle(scimUsers.get, () => ({ id, version, resource: { id, meta: { version } } }));
    return world.request('GET', `/scim/v2/Users/${id}`, { headers: { ...bearer(TOKEN), ...headers } });
  };

  it.each([version, '"1"', '"0", W/"1"', '*'])('is answered with 304 for If-None-Match: %s', async (header) => {
    const response = await get({ 'if-none-match': header });
    expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([304, version, '']);
  });

  it.each(['"0"', '1', 'W/"0", "2"'])('is answered with the resource for If-None-Match: %s', async (header) => {
    expect((await get({ 'if-none-match': header })).status).toBe(200);
  });

  it.each([
    [200, '*'],
    [200, '"1"'],
    [412, '"0"'],
  ])('is answered with %s for If-Match: %s', async (status, header) => {
    expect((await get({ 'if-match': header })).status).toBe(status);
  });
});

describe('$ref and meta.location', () => {
  const [id, userId] = [anId(), anId()];
  const group = {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    id,
    displayName: 'Sales',
    members: [{ value: userId, display: 'Ada', type: 'User' }],
    meta: { resourceType: 'Group', version: 'W/"1"' },
  };
  const { schemas } = group;
  const root = () => `http://${new URL(world.url).host}/scim/v2`;
  const $ref = () => `${root()}/Users/${userId}`;
  const location = () => `${root()}/Groups/${id}`;

  it.each<[string, () => object]>([
    ['attributes=members.$ref', () => ({ members: [{ $ref: $ref() }] })],
    ['attributes=MEMBERS.$REF,members.display', () => ({ members: [{ $ref: $ref(), display: 'Ada' }] })],
    [`attributes=${schemas[0]}:members.$ref`, () => ({ members: [{ $ref: $ref() }] })],
    ['attributes=members.value', () => ({ members: [{ value: userId }] })],
    ['attributes=members', () => ({ members: [{ ...group.members[0], $ref: $ref() }] })],
    ['attributes=meta.location', () => ({ meta: { location: location() } })],
    ['attributes=meta.version', () => ({ meta: { version: 'W/"1"' } })],
    [
      'excludedAttributes=members.$ref,meta.location',
      () => ({ displayName: 'Sales', members: group.members, meta: group.meta }),
    ],
    [
      'excludedAttributes=members.value,meta,displayName',
      () => ({ members: [{ display: 'Ada', type: 'User', $ref: $ref() }] }),
    ],
  ])('are projected like other attributes: %s', async (query, expected) => {
    // Identity projects as well, but does not know the URLs.
    const projected = (view: ScimProjection) => project(group, view);
    world.services.handle(scimGroups.get, ({ body }) => ({ id, version: 'W/"1"', resource: projected(body.view) }));
    world.services.handle(scimGroups.search, ({ body }) => ({ totalResults: 1, resources: [projected(body.view)] }));
    const one = await world.request('GET', `/scim/v2/Groups/${id}?${query}`, AS_PROVIDER);
    expect(await bodyOf(one)).toEqual({ schemas, id, ...expected() });
    const list = await world.request('GET', `/scim/v2/Groups?${query}`, AS_PROVIDER);
    expect(await bodyOf(list)).toMatchObject({ Resources: [{ schemas, id, ...expected() }] });
  });
});

it('sends a PATCH to identity with the base URL that the client uses', async () => {
  const id = anId();
  const sent = world.services.handle(scimUsers.change, () => ({ id, version: 'W/"1"' }));
  const body = { Operations: [{ op: 'replace', path: 'active', value: false }] };
  const headers = { ...bearer(TOKEN), 'if-match': 'W/"0"', 'content-type': 'application/scim+json' };
  expect((await world.request('PATCH', `/scim/v2/Users/${id}`, { headers, body: JSON.stringify(body) })).status).toBe(
    204,
  );
  expect(sent[0]!.body).toEqual({
    token: TOKEN,
    view: {},
    body,
    ifMatch: 'W/"0"',
    baseUrl: `http://${new URL(world.url).host}/scim/v2`,
  });
});

it('accepts one trailing slash, but no more', async () => {
  const asked = world.services.handle(scimUsers.search, () => ({ totalResults: 0, resources: [] }));
  expect((await world.request('GET', '/scim/v2/Users/?filter=id%20pr', AS_PROVIDER)).status).toBe(200);
  expect((await world.request('GET', '/scim/v2/Users/', AS_PROVIDER)).status).toBe(200);
  expect(asked).toMatchObject([{ body: { filter: 'id pr' } }, {}]);
  for (const path of ['/scim/v2/Users//', '/scim/v2//', '/scim/v2/', '/v1/users/'])
    expect([path, (await world.request('GET', path, AS_PROVIDER)).status]).toEqual([path, 404]);
});

it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
  'refuses %s for the discovery endpoints, without parsing the body',
  async (method) => {
    for (const path of [
      '/ServiceProviderConfig',
      '/Schemas',
      '/Schemas/urn:x',
      '/ResourceTypes',
      '/ResourceTypes/User',
    ]) {
      const headers = { ...AS_PROVIDER.headers, 'content-type': 'application/scim+json' };
      const answer = await fetch(`${world.url}/scim/v2${path}`, { method, headers, body: 'test' });
      expect([path, answer.status, answer.headers.get('allow')]).toEqual([path, 405, 'GET, HEAD, OPTIONS']);
      expect(await bodyOf(answer)).toMatchObject({ status: '405' });
    }
  },
);

it('builds URLs as the client sees them through our own proxy', async () => {
  const id = anId();
  const groups = [{ value: anId() }];
  world.services.handle(scimUsers.get, () => ({
    id,
    version: 'W/"1"',
    resource: { id, groups, meta: { version: 'W/"1"' } },
  }));
  const headers = { ...bearer(TOKEN), 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };
  const answer = await world.request('GET', `/scim/v2/Users/${id}`, { headers });
  const root = `https://${new URL(world.url).host}/scim/v2`;
  expect(answer.headers.get('etag')).toBe('W/"1"');
  expect(await bodyOf(answer)).toMatchObject({
    groups: [{ $ref: `${root}/Groups/${groups[0]!.value}` }],
    meta: { location: `${root}/Users/${id}` },
  });
});

it('builds URLs from PUBLIC_URL, whatever the request says', async () => {
  const url = await world.addGateway({ PUBLIC_URL: 'https://leaver.example.com', TRUSTED_PROXIES: '1' });
  const root = 'https://leaver.example.com/scim/v2';
  const id = anId();
  const members = [{ value: anId() }];
  world.services.handle(scimGroups.create, () => ({ id, version: 'W/"1"', resource: { id, members, meta: {} } }));
  world.services.handle(scimCheck, () => ({ good: true }));
  await world.services.settled();
  const headers = { ...bearer(TOKEN), 'x-forwarded-proto': 'http', 'content-type': 'application/scim+json' };
  const created = await fetch(`${url}/scim/v2/Groups`, { method: 'POST', headers, body: '{}' });
  expect(created.headers.get('location')).toBe(`${root}/Groups/${id}`);
  expect(await bodyOf(created)).toMatchObject({
    members: [{ $ref: `${root}/Users/${members[0]!.value}` }],
    meta: { location: `${root}/Groups/${id}` },
  });
  const schema = await fetch(`${url}/scim/v2/ResourceTypes/User`, { headers: bearer(TOKEN) });
  expect(await bodyOf(schema)).toMatchObject({ meta: { location: `${root}/ResourceTypes/User` } });
});

it('reports as a SCIM error that identity is not available', async () => {
  const answer = await world.request('GET', '/scim/v2/Users', AS_PROVIDER);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await bodyOf(answer)).toMatchObject({
    status: '503',
    detail: expect.stringMatching(/^service-unavailable: identity: /),
  });
});

it('limits failed tokens, but not valid ones', async () => {
  let good = false;
  world.services.handle(scimCheck, () => {
    if (!good) throw new Problem('unauthenticated');
    return { good: true };
  });
  const missing = world.services.handle(scimUsers.get, () => {
    throw new Problem('not-found');
  });
  const ask = async () => (await world.request('GET', '/scim/v2/Schemas', AS_PROVIDER)).status;
  for (let n = 0; n < 5; n++) await world.request('GET', `/scim/v2/Users/${anId()}`, AS_PROVIDER);
  expect(missing).toHaveLength(5);
  expect([await ask(), await ask(), await ask(), await ask()]).toEqual([401, 401, 401, 429]);
  clock.advance(20_000);
  good = true;
  expect([await ask(), await ask()]).toEqual([200, 200]);
});

it('requires a token for discovery as well', async () => {
  const checked = world.services.handle(scimCheck, () => ({ good: true }));
  const answer = await world.request('GET', '/scim/v2/ServiceProviderConfig');
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect(checked).toEqual([]);
});
