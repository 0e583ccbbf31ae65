import {
  accountGet,
  accountsCreate,
  authLogout,
  Problem,
  PROBLEMS,
  usersGet,
  usersInvite,
  usersList,
  usersUpdate,
  ALL_OPERATIONS,
} from '#libs/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { anId, bearer, bodyOf, World } from '../../test/world.js';

let world: World;

beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world.close());

const invitation = { name: 'Ada', email: 'ada@example.com', staffId: 'A-1' };

describe('a declared operation', () => {
  it('is served at its path and reaches its service with the principal, validated and converted', async () => {
    const [userId, accountId, sessionId] = [anId(), anId(), anId()];
    const calls = world.services.handle(usersList, () => ({ items: [], nextCursor: null }));
    const token = await world.token({ userId, accountId, sessionId, roles: ['admin'] });
    const answer = await world.request('GET', '/v1/users?status=all&limit=7', {
      headers: { ...bearer(token), 'user-agent': 'tests' },
    });
    expect([answer.status, await answer.json()]).toEqual([200, { items: [], nextCursor: null }]);
    expect(calls).toEqual([
      expect.objectContaining({
        principal: { userId, accountId, sessionId, roles: ['admin'] },
        query: { status: 'all', limit: 7 },
        client: { ip: '127.0.0.1', userAgent: 'tests' },
      }),
    ]);
  });

  it('answers 201 with the resource and its location', async () => {
    const id = anId();
    world.services.handle(usersInvite, () => ({ id, ...invitation }));
    const answer = await world.request('POST', '/v1/users', { json: invitation });
    expect([answer.status, answer.headers.get('location')]).toEqual([201, `/v1/users/${id}`]);
    expect(await bodyOf(answer)).toMatchObject({ id });
  });

  it('answers 204 without a body', async () => {
    world.services.handle(authLogout, () => undefined);
    const answer = await world.request('POST', '/v1/auth/logout');
    expect([answer.status, await answer.text()]).toEqual([204, '']);
  });

  it('is closed to roles that it does not name', async () => {
    const answer = await world.request('POST', '/v1/users', {
      json: invitation,
      headers: bearer(await world.token({ roles: ['agent'] })),
    });
    expect([answer.status, await answer.json()]).toEqual([403, expect.objectContaining({ code: 'forbidden' })]);
  });

  it('needs a token unless it is public', async () => {
    const closed = ALL_OPERATIONS.filter(({ access }) => access !== 'public');
    const statuses = await Promise.all(
      closed.map(
        async ({ method, path }) => (await fetch(world.url + path.replace(/:\w+/g, anId()), { method })).status,
      ),
    );
    expect(closed.length).toBeGreaterThan(20);
    expect(new Set(statuses)).toEqual(new Set([401]));
  });
});

describe('a request', () => {
  it('is refused with all errors together, nested ones by their path', async () => {
    const answer = await world.request('POST', '/v1/accounts', {
      json: { name: 'A', seats: 'many', owner: { name: 'Ada', email: 'nope', password: 'long enough' } },
    });
    const problem = await bodyOf(answer);
    expect([answer.status, answer.headers.get('content-type'), problem.code]).toEqual([
      400,
      'application/problem+json',
      'validation',
    ]);
    expect(problem.errors.map(({ field }: { field: string }) => field)).toEqual(
      expect.arrayContaining(['seats', 'owner.email', 'owner.staffId']),
    );
  });

  it('is refused for an undeclared field in the body or the query', async () => {
    const body = await bodyOf(await world.request('POST', '/v1/users', { json: { ...invitation, admin: true } }));
    const query = await bodyOf(await world.request('GET', '/v1/users?colour=red'));
    expect(body.errors).toEqual([{ field: 'admin', message: 'There is no such field' }]);
    expect(query.errors).toEqual([{ field: 'colour', message: 'There is no such field' }]);
  });

  it.each(['0', '201', '1.5', 'ten', ''])('is refused for limit=%s', async (limit) => {
    const answer = await world.request('GET', `/v1/users?limit=${limit}`);
    expect([answer.status, (await bodyOf(answer)).errors[0].field]).toEqual([400, 'limit']);
  });

  it.each(['[]', 'null', '"text"', '7'])('is refused when the body is %s', async (body) => {
    const answer = await world.request('POST', '/v1/users', { body, headers: { 'content-type': 'application/json' } });
    expect([answer.status, (await bodyOf(answer)).code]).toEqual([400, 'validation']);
  });

  it.each(['{', '{"__proto__": {"admin": true}}', '{"name": "Ada",}'])(
    'is invalid JSON when it is %s',
    async (body) => {
      const answer = await world.request('POST', '/v1/users', {
        body,
        headers: { 'content-type': 'application/json' },
      });
      expect([answer.status, (await bodyOf(answer)).code]).toEqual([400, 'invalid-json']);
    },
  );

  it('may not be larger than the limit', async () => {
    const answer = await world.request('POST', '/v1/users', { json: { ...invitation, name: 'x'.repeat(1_000_001) } });
    expect([answer.status, (await bodyOf(answer)).code]).toEqual([413, 'payload-too-large']);
  });

  it.each([
    'text/plain',
    'text/csv',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
  ])('may not be %s', async (type) => {
    const answer = await world.request('POST', '/v1/users', { body: 'name=Ada', headers: { 'content-type': type } });
    expect([answer.status, (await bodyOf(answer)).code]).toEqual([415, 'unsupported-media-type']);
  });

  it('is answered 404 when an id is not a UUID', async () => {
    const answer = await world.request('GET', '/v1/users/7');
    expect([answer.status, (await bodyOf(answer)).code]).toEqual([404, 'not-found']);
  });

  it('is forwarded with its idempotency key and a digest of the request', async () => {
    const calls = world.services.handle(usersInvite, () => ({ id: anId() }));
    const send = (json: object, key = 'once') =>
      world.request('POST', '/v1/users', { json, headers: { 'idempotency-key': key } });
    await send(invitation);
    await send({ staffId: 'A-1', email: 'ada@example.com', name: 'Ada' });
    await send({ ...invitation, name: 'Eve' });
    const [first, reordered, other] = calls.map(({ idempotency }) => idempotency);
    expect(first).toEqual({ key: 'once', digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(reordered).toEqual(first);
    expect(other?.digest).not.toBe(first?.digest);
    expect((await send(invitation, 'x'.repeat(256))).status).toBe(400);
  });
});

describe('a failure', () => {
  it('in a service is returned as the service reported it', async () => {
    world.services.handle(usersUpdate, () => {
      throw new Problem('sole-owner', { detail: 'Ada is the last one.', items: ['x'] });
    });
    const answer = await world.request('PATCH', `/v1/users/${anId()}`, { json: { name: 'Ada' } });
    const [status, title] = PROBLEMS['sole-owner'];
    expect(answer.status).toBe(status);
    expect(await bodyOf(answer)).toEqual({
      type: 'urn:leaver:problem:sole-owner',
      title,
      status,
      code: 'sole-owner',
      detail: 'Ada is the last one.',
      items: ['x'],
    });
  });

  it('that is unexpected is returned without detail', async () => {
    world.services.handle(usersGet, () => {
      throw new Error('secret');
    });
    const answer = await world.request('GET', `/v1/users/${anId()}`);
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining('secret')]);
  });

  it('because a service is down names the service', async () => {
    world.services.fallSilent(accountGet);
    const answer = await world.request('GET', '/v1/account');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await bodyOf(answer)).toMatchObject({ code: 'service-unavailable', service: 'identity' });
  });

  it('distinguishes a wrong path from a wrong method and lists the allowed ones', async () => {
    const path = await world.request('GET', '/v1/nothing');
    const method = await world.request('DELETE', '/v1/account');
    expect([path.status, (await bodyOf(path)).code]).toEqual([404, 'not-found']);
    expect([method.status, method.headers.get('allow'), (await bodyOf(method)).code]).toEqual([
      405,
      'GET, HEAD, OPTIONS, PATCH',
      'method-not-allowed',
    ]);
  });

  it('for an undecodable URL is also a problem response', async () => {
    const answer = await fetch(`${world.url}/v1/users/%E0%A4%A`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
  });
});

describe('every response', () => {
  it('is not cached, not sniffed, not framed, and has a request id', async () => {
    const answer = await world.request('GET', '/v1/nothing', { headers: { 'x-request-id': 'mine-1' } });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'x-request-id': 'mine-1',
    });
    const invalid = await fetch(`${world.url}/`, { headers: { 'x-request-id': 'a b' } });
    expect(invalid.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(invalid.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('to OPTIONS lists the methods, to HEAD has no body', async () => {
    world.services.handle(accountGet, () => ({ id: anId() }));
    const options = await fetch(`${world.url}/v1/account`, { method: 'OPTIONS' });
    const head = await world.request('HEAD', '/v1/account');
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, PATCH']);
    expect([head.status, await head.text()]).toEqual([200, '']);
  });
});

it('continues the trace of the request or starts a new one', async () => {
  const traces: (string | undefined)[] = [];
  const subscription = world.services.nats.subscribe(accountGet.subject, {
    callback: (_error, message) => void traces.push(message.headers?.get('traceparent')),
  });
  world.services.handle(accountGet, () => ({ id: anId() }));
  const mine = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await world.request('GET', '/v1/account', { headers: { traceparent: mine } });
  await world.request('GET', '/v1/account', { headers: { traceparent: 'nonsense' } });
  subscription.unsubscribe();
  expect(traces).toEqual([mine, expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)]);
});

it('ignores the token of a request to a public operation', async () => {
  const calls = world.services.handle(accountsCreate, () => ({}));
  const owner = { ...invitation, password: 'long enough' };
  await world.services.settled();
  const answer = await fetch(`${world.url}/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer(await world.token()) },
    body: JSON.stringify({ name: 'Acme', owner }),
  });
  expect([answer.status, calls[0]?.principal.roles]).toEqual([201, []]);
});

it('survives a client that sends no valid HTTP', async () => {
  const socket = connect(Number(new URL(world.url).port), '127.0.0.1');
  const said = await new Promise<string>((resolve) => {
    socket.once('data', (data) => resolve(data.toString()));
    socket.write('NONSENSE\r\n\r\n');
  });
  socket.destroy();
  expect(said).toMatch(/^HTTP\/1\.1 400/);
});

it('stops even if a client holds open a connection without a request', async () => {
  const other = await World.create();
  const socket = connect(Number(new URL(other.url).port), '127.0.0.1');
  await once(socket, 'connect');
  await fetch(`${other.url}/`);
  const closed = once(socket.resume(), 'close');
  await other.close();
  await closed;
}, 10_000);
