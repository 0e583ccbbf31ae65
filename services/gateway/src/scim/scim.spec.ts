import { Problem, scimCheck, scimGroups, scimUsers } from '#libs/contracts';
import { TestClock } from '#libs/database';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
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

it('hands token, query and view to identity, and knows no rule', async () => {
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

it('takes a path with a slash behind it as well, and no more than one', async () => {
  const asked = world.services.handle(scimUsers.search, () => ({ totalResults: 0, resources: [] }));
  expect((await world.request('GET', '/scim/v2/Users/?filter=id%20pr', AS_PROVIDER)).status).toBe(200);
  expect((await world.request('GET', '/scim/v2/Users/', AS_PROVIDER)).status).toBe(200);
  expect(asked).toMatchObject([{ body: { filter: 'id pr' } }, {}]);
  for (const path of ['/scim/v2/Users//', '/scim/v2//', '/scim/v2/', '/v1/users/'])
    expect([path, (await world.request('GET', path, AS_PROVIDER)).status]).toEqual([path, 404]);
});

it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
  'lets nobody %s what it describes, and reads no body for it',
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

it('says where things are as the client sees it, through our own proxy', async () => {
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

it('says where things are by PUBLIC_URL, whatever the request names', async () => {
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

it('says in the form of SCIM that identity is away', async () => {
  const answer = await world.request('GET', '/scim/v2/Users', AS_PROVIDER);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await bodyOf(answer)).toMatchObject({
    status: '503',
    detail: expect.stringMatching(/^service-unavailable: /),
  });
});

it('slows down whoever tries tokens, and nobody with a good one', async () => {
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

it('asks for a token like everybody, and takes no other kind', async () => {
  const checked = world.services.handle(scimCheck, () => ({ good: true }));
  const answer = await world.request('GET', '/scim/v2/ServiceProviderConfig');
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect(checked).toEqual([]);
});
