import { accountsCreate, ALL_OPERATIONS, authLogin, passwordResetRequest, Problem } from '#libs/contracts';
import { TestClock } from '#libs/database';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { anId, bodyOf, World } from '../../test/world.js';
import { LIMITED } from './rate-limits.js';

let world: World;
let clock: TestClock;

beforeEach(async () => {
  clock = new TestClock();
  const env = { FAILED_LOGINS_PER_MINUTE: '3', PASSWORD_RESETS_PER_MINUTE: '2', ACCOUNTS_PER_MINUTE: '2' };
  world = await World.create({ env, clock });
});
afterEach(() => world.close());

const post = (path: string, json: object) => world.request('POST', path, { json });
const login = (email: string, password = 'wrong') => post('/v1/auth/login', { email, password });

const onlyTheRightPassword = ({ body }: { body: { password: string } }) => {
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

it('limits mails to one address', async () => {
  world.services.handle(passwordResetRequest, () => undefined);
  const statuses = [];
  for (let n = 0; n < 3; n++)
    statuses.push((await post('/v1/auth/password-reset', { email: 'ada@example.com' })).status);
  expect(statuses).toEqual([202, 202, 429]);
});

it('limits new accounts from one address', async () => {
  world.services.handle(accountsCreate, () => ({ account: { id: anId() } }));
  const owner = { name: 'Ada', email: 'ada@example.com', staffId: 'A-1', password: 'long enough' };
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await post('/v1/accounts', { name: 'Acme', owner })).status);
  expect(statuses).toEqual([201, 201, 429]);
});

it('limits only operations that exist', () => {
  const offered = ALL_OPERATIONS.map(({ method, path }) => `${method} ${path}`);
  expect(offered).toEqual(expect.arrayContaining([...LIMITED]));
});
