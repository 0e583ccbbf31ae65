import { jetstreamManager } from '@nats-io/jetstream';
import {
  accountGet,
  accountsCreate,
  authLogin,
  authStepUp,
  invitationsResend,
  passwordResetRequest,
  Problem,
  usersUpdate,
} from '#libs/contracts';
import { TestClock } from '#libs/database';
import { eventually } from '#libs/test-kit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anId, bearer, bodyOf, World } from '../../test/world.js';
import { clientKey } from './client-key.js';

let world: World;
let clock: TestClock;

beforeEach(async () => {
  clock = new TestClock();
  const env = {
    FAILED_LOGINS_PER_MINUTE: '3',
    PASSWORD_RESETS_PER_MINUTE: '2',
    ACCOUNTS_PER_MINUTE: '2',
    FAILED_TOKENS_PER_MINUTE: '2',
    RESENT_INVITATIONS_PER_MINUTE: '2',
  };
  world = await World.create({ env, clock });
});
afterEach(() => world.close());

const post = (path: string, json?: object) => world.request('POST', path, { json });
const login = (email: string, password = 'wrong') => post('/v1/auth/login', { email, password });

const onlyTheRightPassword = ({ body }: { body: { password?: string } }) => {
  if (body.password !== 'right') throw new Problem('invalid-credentials');
  return {};
};

it('limits guesses at one password after a few failures and returns the waiting time', async () => {
  const calls = world.services.handle(authLogin, onlyTheRightPassword);
  for (let n = 0; n < 3; n++) expect((await login('ada@example.com')).status).toBe(401);
  const refused = await login('ADA@example.com', 'right');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '20']);
  expect(await bodyOf(refused)).toMatchObject({ code: 'too-many-requests', retryAfter: 20 });
  expect(calls).toHaveLength(3);
  expect((await login('eve@example.com')).status).toBe(401);
  clock.advance(20_000);
  expect((await login('ada@example.com', 'right')).status).toBe(200);
});

it('does not limit successful logins', async () => {
  world.services.handle(authLogin, onlyTheRightPassword);
  for (let n = 0; n < 10; n++) expect((await login('ada@example.com', 'right')).status).toBe(200);
});

it('counts concurrent guesses', async () => {
  const calls = world.services.handle(authLogin, onlyTheRightPassword);
  const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await login('ada@example.com')).status));
  expect(statuses.filter((status) => status === 401)).toHaveLength(3);
  expect(calls).toHaveLength(3);
});

it('does not count our own failures', async () => {
  world.services.handle(authLogin, () => {
    throw new Problem('internal');
  });
  for (let n = 0; n < 5; n++) expect((await login('ada@example.com')).status).toBe(500);
});

it('counts a try whose answer is lost or late', async () => {
  const calls = world.services.handle(authLogin, () => {
    throw new Problem('service-unavailable', { service: 'identity', detail: 'The service did not answer in time.' });
  });
  for (let n = 0; n < 3; n++) expect((await login('ada@example.com')).status).toBe(503);
  expect((await login('ada@example.com')).status).toBe(429);
  expect(calls).toHaveLength(3);
});

it('does not count a try that identity has refused to make', async () => {
  world.services.handle(authLogin, () => {
    throw new Problem('service-unavailable', { service: 'identity', retryAfter: 7 });
  });
  for (let n = 0; n < 5; n++) {
    const answer = await login('ada@example.com');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7']);
  }
});

describe('with a second gateway', () => {
  let second: string;
  beforeEach(async () => {
    second = await world.addGateway(
      { FAILED_LOGINS_PER_MINUTE: '3', REQUESTS_PER_PERSON_PER_MINUTE: '40', REQUESTS_PER_ACCOUNT_PER_MINUTE: '60' },
      clock,
    );
  });
  const loginAt = (url: string, email: string, password = 'wrong') =>
    fetch(`${url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });

  it('both count together, also concurrent guesses', async () => {
    const calls = world.services.handle(authLogin, onlyTheRightPassword);
    const guesses = Array.from({ length: 20 }, (_, n) => loginAt(n % 2 ? world.url : second, 'ada@example.com'));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(3);
    expect(calls).toHaveLength(3);
    const refused = await loginAt(second, 'ada@example.com', 'right');
    const wait = Number(refused.headers.get('retry-after'));
    expect(refused.status).toBe(429);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(20);
    expect(refused.headers.get('ratelimit')).toBe(`"failed-logins-by-address-and-person";r=0;t=${wait}`);
    expect(refused.headers.get('ratelimit-policy')).toBe('"failed-logins-by-address-and-person";q=3;w=60');
    clock.advance(20_000);
    expect((await loginAt(second, 'ada@example.com', 'right')).status).toBe(200);
    expect((await loginAt(world.url, 'ada@example.com', 'right')).status).toBe(200);
  });

  it('each is stricter on its own while the broker has no store, and never open', async () => {
    const calls = world.services.handle(authLogin, onlyTheRightPassword);
    const manager = await jetstreamManager(world.services.nats);
    await loginAt(second, 'eve@example.com');
    await manager.streams.delete('KV_rate-limits');
    // The bucket cannot be created again.
    await manager.streams.add({ name: 'in-the-way', subjects: ['$KV.rate-limits.>'] });
    const statuses = [];
    for (let n = 0; n < 4; n++) statuses.push((await loginAt(second, 'ada@example.com')).status);
    expect(statuses).toEqual([401, 429, 429, 429]);
    expect(calls).toHaveLength(2);
  });

  it('requests of a person are counted by both, within a slice, without asking for each', async () => {
    world.services.handle(accountGet, () => ({}));
    const [userId, accountId] = [anId(), anId()];
    const as = async (user: string) => ({
      headers: { authorization: `Bearer ${await world.token({ userId: user, accountId })}` },
    });
    const third = await world.addGateway(
      { REQUESTS_PER_PERSON_PER_MINUTE: '40', REQUESTS_PER_ACCOUNT_PER_MINUTE: '60' },
      clock,
    );
    const maya = await as(userId);
    const begun = Date.now();
    let accepted = 0;
    for (let n = 0; n < 60; n++) {
      const answer = await fetch(`${n % 2 ? second : third}/v1/account`, maya);
      if (answer.status === 200) accepted++;
      else expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
    }
    expect(accepted).toBeGreaterThanOrEqual(40);
    // Two in three seconds become free meanwhile, and each gateway may be a twentieth ahead of the other.
    expect(accepted).toBeLessThanOrEqual(40 + Math.ceil((Date.now() - begun) / 1_500) + 2 * 2);
    // A colleague has what is left of the account's 60.
    const other = await as(anId());
    const statuses = [];
    for (let n = 0; n < 40; n++) statuses.push((await fetch(`${second}/v1/account`, other)).status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    const fine = await fetch(`${second}/v1/account`, { headers: { authorization: `Bearer ${await world.token()}` } });
    expect(fine.headers.get('ratelimit')).toBe('"person";r=39;t=2');
    expect(fine.headers.get('ratelimit-policy')).toBe('"person";q=40;w=60');
  });
});

it('stops a client that sends many wrong API tokens before they are looked up', async () => {
  const headers = { authorization: 'Bearer lvr_wrong_token' };
  const statuses = [];
  for (let n = 0; n < 4; n++) {
    statuses.push((await world.request('GET', '/v1/account', { headers })).status);
    await eventually(() => expect(world.introspected).toHaveLength(Math.min(n + 1, 2)));
  }
  expect(statuses.slice(0, 2)).toEqual([401, 401]);
  expect(statuses.at(-1)).toBe(429);
});

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['nonsense', 'nonsense'],
])('counts %s as %s', (address, key) => {
  expect(clientKey(address)).toBe(key);
});

it('limits mails to one address', async () => {
  world.services.handle(passwordResetRequest, () => undefined);
  const statuses = [];
  for (let n = 0; n < 3; n++)
    statuses.push((await post('/v1/auth/password-reset', { email: 'ada@example.com' })).status);
  expect(statuses).toEqual([202, 202, 429]);
});

it('limits invitations that are sent again', async () => {
  world.services.handle(invitationsResend, () => ({ id: anId() }));
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await post(`/v1/invitations/${anId()}/resend`)).status);
  expect(statuses).toEqual([201, 201, 429]);
});

it('limits new accounts from one address', async () => {
  world.services.handle(accountsCreate, () => ({ account: { id: anId() } }));
  const owner = { name: 'Ada', email: 'ada@example.com', staffId: 'A-1', password: 'long enough' };
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await post('/v1/accounts', { name: 'Acme', owner })).status);
  expect(statuses).toEqual([201, 201, 429]);
});

it('limits guesses of a signed-in user from every address, and no request without a password', async () => {
  const wrong = () => {
    throw new Problem('validation');
  };
  world.services.handle(usersUpdate, wrong);
  world.services.handle(authStepUp, wrong);
  const mine = bearer(await world.token());
  const patch = (json: object, headers: object = mine) =>
    world.request('PATCH', `/v1/users/${anId()}`, { json, headers: { ...headers } });
  const stepUp = () => world.request('POST', '/v1/auth/step-up', { json: { password: 'a guess' }, headers: mine });
  for (let n = 0; n < 5; n++) expect((await patch({ name: 'Ada' })).status).toBe(400);
  expect((await patch({ password: 'long enough', currentPassword: 'a guess' })).status).toBe(400);
  for (let n = 0; n < 2; n++) expect((await stepUp()).status).toBe(400);
  const fromElsewhere = { ...mine, 'x-forwarded-for': '203.0.113.7' };
  expect((await patch({ password: 'long enough', currentPassword: 'right' }, fromElsewhere)).status).toBe(429);
  expect((await stepUp()).status).toBe(429);
  const another = bearer(await world.token());
  expect((await patch({ password: 'long enough', currentPassword: 'a guess' }, another)).status).toBe(400);
});
