import { SCOPES } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import type { Api, Json } from './support/api.js';
import { anAccount, PASSWORD, signIn, type Cast } from './support/cast.js';
import { ENTERPRISE, GROUP, reasonOf, ScimApi, USER } from './support/scim-api.js';
import { System } from './support/system.js';

let system: System;
let cast: Cast;
let scim: ScimApi;
let owner: Api;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
  owner = cast.owner.api;
  scim = await ScimApi.connect(system, owner);
}, 120_000);
afterAll(() => system?.stop());

const anError = expect.objectContaining({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'] });

describe('the last owner', () => {
  it('stays active, is signed out everywhere, and the response gives the reason', async () => {
    const other = await anAccount(system, 'helpdesk');
    const provider = await ScimApi.connect(system, other.owner.api);
    const session = await signIn(system, other.owner.email);
    const refused = await provider.patch(`/Users/${other.owner.id}`, [
      { op: 'replace', value: { active: false, displayName: 'Gone' } },
    ]);
    expect(refused.body).toEqual(anError);
    expect(reasonOf(refused)).toMatchObject({ status: 409, code: 'sole-owner' });
    await eventually(async () =>
      expect(await session.refusal(session.get('/v1/me'))).toMatchObject({ status: 401, code: 'unauthenticated' }),
    );
    expect((await provider.get(`/Users/${other.owner.id}`)).body).toMatchObject({
      active: true,
      displayName: other.owner.name,
    });
    expect(reasonOf(await provider.delete(`/Users/${other.owner.id}`))).toMatchObject({
      status: 409,
      code: 'sole-owner',
    });
    expect(await signIn(system, other.owner.email, PASSWORD)).toBeDefined();
  });
});

describe('tokens', () => {
  it('come in pairs for rotation, and end when revoked', async () => {
    const { owner: boss, cleo } = await anAccount(system, 'texting');
    const first = await boss.api.post('/v1/account/scim-tokens', { name: 'Old' });
    const second = await boss.api.post('/v1/account/scim-tokens', { name: 'New' });
    expect(await boss.api.refusal(boss.api.post('/v1/account/scim-tokens', { name: 'Third' }))).toMatchObject({
      code: 'conflict',
    });
    expect(await cleo.api.refusal(cleo.api.get('/v1/account/scim-tokens'))).toMatchObject({ code: 'forbidden' });
    const old = new ScimApi(system.url, first.token as string);
    expect((await old.get('/Users?count=0')).status).toBe(200);
    const { items } = await boss.api.get<{ items: Json[] }>('/v1/account/scim-tokens');
    expect(items).toMatchObject([
      { name: 'New', lastUsedAt: null },
      { name: 'Old', lastUsedAt: expect.any(String) },
    ]);
    expect(JSON.stringify(items)).not.toContain(first.token as string);
    await boss.api.delete(`/v1/account/scim-tokens/${first.id}`);
    expect((await old.get('/Users')).status).toBe(401);
    expect((await new ScimApi(system.url, second.token as string).get('/Users')).status).toBe(200);
  });

  it('are accepted only by SCIM, and SCIM accepts no other tokens', async () => {
    const { token: apiToken } = await owner.post('/v1/me/api-tokens', { name: 'Script', scopes: SCOPES });
    const { accessToken } = await system.api().post('/v1/auth/login', { email: cast.owner.email, password: PASSWORD });
    for (const token of [apiToken as string, accessToken as string, 'lvrscim_', 'nonsense', undefined]) {
      for (const path of ['/Users', '/Schemas', '/ServiceProviderConfig', '/Groups', '/Nowhere/1']) {
        const { status, body } = await new ScimApi(system.url, token).get(path);
        expect([path, status, body]).toEqual([path, path === '/Nowhere/1' ? 404 : 401, anError]);
      }
    }
    const { token, id } = await owner.post('/v1/account/scim-tokens', { name: 'Only here' });
    const misused = system.api(token as string);
    expect(await misused.refusal(misused.get('/v1/users'))).toMatchObject({ status: 401 });
    await owner.delete(`/v1/account/scim-tokens/${id}`);
  });

  it('give no access to another account', async () => {
    const stranger = await anAccount(system, 'calls');
    for (const path of [`/Users/${stranger.ada.id}`, `/Groups/${stranger.teamId}`]) {
      const answers = [
        await scim.get(path),
        await scim.put(path, { userName: 'x@example.com', displayName: 'X' }),
        await scim.patch(path, [{ op: 'replace', path: 'displayName', value: 'X' }]),
        await scim.delete(path),
      ];
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    }
    const intruder = await scim.patch(`/Groups/${cast.teamId}`, [
      { op: 'add', path: 'members', value: [{ value: stranger.ada.id }] },
    ]);
    expect(reasonOf(intruder)).toMatchObject({ status: 400, scimType: 'invalidValue' });
    expect((await scim.find('Users', `id eq "${stranger.ada.id}"`)).body.totalResults).toBe(0);
  });
});

describe('the protocol', () => {
  it('describes itself to clients with a token', async () => {
    const config = await scim.get('/ServiceProviderConfig');
    expect(config.body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
      filter: { supported: true, maxResults: 200 },
      etag: { supported: true },
      meta: { resourceType: 'ServiceProviderConfig' },
    });
    const types = await scim.get('/ResourceTypes');
    expect(types.body.Resources.map((one: Json) => one.endpoint)).toEqual(['/Users', '/Groups']);
    const schemas = await scim.get('/Schemas');
    expect(schemas.body.Resources.map((one: Json) => one.id)).toEqual([USER, ENTERPRISE, GROUP]);
    const { body } = await scim.get(`/Schemas/${USER}`);
    expect(body.attributes.map((one: Json) => one.name)).toContain('userName');
    expect((await scim.get('/Schemas/urn:nothing')).status).toBe(404);
    expect((await scim.get('/Schemas?filter=id%20pr')).status).toBe(403);
  });

  it('counts from one, and returns no more than asked for', async () => {
    const all = await scim.get('/Users?sortBy=userName');
    const total = all.body.totalResults as number;
    expect(all.body.Resources).toHaveLength(total);
    const names = all.body.Resources.map((one: Json) => one.userName) as string[];
    expect(names).toEqual([...names].sort());
    const part = await scim.get('/Users?sortBy=userName&startIndex=2&count=2');
    expect(part.body).toMatchObject({ totalResults: total, startIndex: 2, itemsPerPage: 2 });
    expect(part.body.Resources.map((one: Json) => one.userName)).toEqual(names.slice(1, 3));
    expect((await scim.get('/Users?count=0')).body).toMatchObject({
      totalResults: total,
      itemsPerPage: 0,
      Resources: [],
    });
    expect((await scim.get('/Users?startIndex=-5&count=-1')).body).toMatchObject({ startIndex: 1, itemsPerPage: 0 });
    expect((await scim.get(`/Users?startIndex=${total + 1}`)).body.Resources).toEqual([]);
    const found = await scim.post('/Users/.search', { filter: `id eq "${cast.ben.id}"`, attributes: ['userName'] });
    expect(found.body.Resources).toEqual([{ schemas: [USER, ENTERPRISE], id: cast.ben.id, userName: cast.ben.email }]);
  });

  const deep = `${'('.repeat(1_500)}userName pr${')'.repeat(1_500)} or title pr`;
  const long = Array.from({ length: 101 }, () => 'id pr').join(' or ');
  it.each([
    'title eq "Boss"',
    'userName',
    'userName eq',
    'userName eq Ada',
    'userName eq "a" and',
    'userName xx "a"',
    'active gt true',
    'userName eq 5',
    'meta.lastModified gt "yesterday"',
    'constructor pr',
    '(userName pr',
    'emails[value eq "a"',
    ' ',
    deep,
    long,
  ])('refuses an invalid filter, and never returns all resources: %#', async (filter) => {
    for (const type of ['Users', 'Groups'] as const)
      expect(reasonOf(await scim.find(type, filter))).toMatchObject({ status: 400, scimType: 'invalidFilter' });
  });

  it('refuses a change if the version is not the one that was read', async () => {
    const path = `/Users/${cast.dan.id}`;
    const read = await scim.get(path);
    const version = read.headers.get('etag')!;
    expect((await scim.get(path, { 'if-none-match': version })).status).toBe(304);
    const rename = (name: string, tag: string) =>
      scim.patch(path, [{ op: 'replace', path: 'displayName', value: name }], { 'if-match': tag });
    expect((await rename('Dan the First', version)).status).toBe(200);
    expect(reasonOf(await rename('Dan the Second', version))).toMatchObject({
      status: 412,
      code: 'precondition-failed',
    });
    expect((await scim.delete(path, { 'if-match': version })).status).toBe(412);
    expect((await rename('Dan', '*')).status).toBe(200);
    const group = await scim.get(`/Groups/${cast.teamId}`);
    const precondition = { 'if-match': group.headers.get('etag')! };
    const takeOut = () =>
      scim.patch(
        `/Groups/${cast.teamId}`,
        [{ op: 'remove', path: `members[value eq "${cast.dan.id}"]` }],
        precondition,
      );
    expect((await takeOut()).status).toBe(204);
    expect((await takeOut()).status).toBe(412);
  });

  it('describes errors in the form of RFC 7644', async () => {
    const send = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
      const answer = await scim.send(method, path, body, headers);
      expect([answer.headers.get('content-type'), answer.body]).toEqual(['application/scim+json', anError]);
      expect(answer.body.status).toBe(String(answer.status));
      return reasonOf(answer);
    };
    expect(await send('POST', '/Users', '{"userName":')).toMatchObject({ status: 400, scimType: 'invalidSyntax' });
    expect(await send('POST', '/Users', '[]')).toMatchObject({ status: 400, scimType: 'invalidSyntax' });
    expect(await send('POST', '/Users', 'x', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
    expect(await send('POST', '/Users', 'x', { 'content-type': 'text/csv' })).toMatchObject({ status: 415 });
    expect(await send('POST', '/Users', { userName: 'x'.repeat(1_100_000) })).toMatchObject({ status: 413 });
    expect(await send('PUT', '/Users', {})).toMatchObject({ status: 405 });
    expect(await send('GET', '/Nothing')).toMatchObject({ status: 404 });
    expect(await send('GET', '/Users/bjensen')).toMatchObject({ status: 404 });
    expect(await send('GET', '/Users/%zz')).toMatchObject({ status: 400 });
    expect(await send('POST', '/Users', { userName: 'no-email' })).toMatchObject({ scimType: 'invalidValue' });
    expect(await send('POST', '/Bulk', { Operations: [] })).toMatchObject({ status: 404 });
  });

  it('accepts application/json, and the rest of the API does not accept application/scim+json', async () => {
    const plain = new ScimApi(system.url, undefined, 'application/json');
    expect((await plain.post('/Users', {})).status).toBe(401);
    const answer = await fetch(`${system.url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/scim+json' },
      body: '{}',
    });
    expect(answer.status).toBe(415);
  });

  it('answers 403 when all seats are taken, because that is no conflict between users', async () => {
    const owner = { name: 'Una', email: 'una@single.example', password: PASSWORD, staffId: 'U' };
    const { accessToken } = await system.api().post('/v1/accounts', { name: 'Single', seats: 1, owner });
    const single = await ScimApi.connect(system, system.api(accessToken as string));
    expect(reasonOf(await single.post('/Users', { userName: 'second@single.example' }))).toEqual({
      status: 403,
      scimType: undefined,
      code: 'no-free-seat',
    });
  });

  it('never answers a malformed request with 5xx', async () => {
    const path = `/Users/${cast.cleo.id}`;
    const odd = [null, true, -1, 'x\u0000y', '\ud800', 'é'.repeat(300), [], [[]], {}, { value: {} }, [{ value: [] }]];
    const names = [
      'userName',
      'name',
      'name.givenName',
      'emails',
      'emails[type eq "work"].value',
      'active',
      'externalId',
    ];
    const paths = [
      ...names,
      'constructor',
      '__proto__',
      'a[b',
      'members',
      'x'.repeat(2_000),
      'emails[((',
      `${ENTERPRISE}:`,
    ];
    for (const [n, key] of paths.entries()) {
      const value = odd[n % odd.length];
      const operations = odd.map((one) => ({ op: 'replace', path: key, value: one }));
      const answers = await Promise.all([
        ...operations.map((operation) => scim.patch(path, [operation])),
        ...operations.map((operation) => scim.patch(`/Groups/${cast.teamId}`, [{ ...operation, op: 'Add' }])),
        scim.patch(path, [
          { op: 'add', value: { [key]: value } },
          { op: 'remove', path: key },
        ]),
        scim.post('/Users', { userName: `odd${n}@odd.example`, [key]: value }),
        scim.put(path, { userName: cast.cleo.email, [key]: value }),
        scim.find('Users', `${key} eq "${String(value).toWellFormed()}"`),
        scim.get(
          `/Users?attributes=${encodeURIComponent(key)}&count=1&startIndex=${encodeURIComponent(String(value).toWellFormed())}`,
        ),
      ]);
      expect(answers.filter(({ status }) => status >= 500).map(({ body }) => [key, body])).toEqual([]);
    }
  });
});
