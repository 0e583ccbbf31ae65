import {
  accountsCreate,
  ALL_OPERATIONS,
  authLogin,
  invitationsResend,
  passwordResetRequest,
  Problem,
  RATE_LIMITS,
  type Operation,
} from '#libs/contracts';
import { TestClock } from '#libs/database';
import { eventually } from '#libs/test-kit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anId, bodyOf, World } from '../../test/world.js';
import { openApiDocument } from '../openapi/document.js';

interface Described {
  requestBody?: { content: Record<string, { example: object }> };
  responses: Record<string, { headers?: object }>;
}

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

describe('every operation with a limit', () => {
  const limited = ALL_OPERATIONS.filter(({ rateLimit }) => rateLimit !== undefined);
  const { paths } = openApiDocument(ALL_OPERATIONS);
  const describedAs = ({ path, method }: Operation) =>
    (paths[path.replace(/:(\w+)/g, '{$1}')] as unknown as Record<string, Described>)[method.toLowerCase()]!;

  it('is served by the code that counts, and every limit has one', () => {
    expect(limited.map(({ path }) => path)).toEqual([
      '/v1/accounts',
      '/v1/auth/login',
      '/v1/auth/password-reset',
      '/v1/auth/password-reset/confirm',
      '/v1/auth/refresh',
      '/v1/invitations/:id/resend',
      '/v1/invitations/accept',
    ]);
    expect(limited.filter(({ custom }) => custom)).toEqual([]);
    expect(new Set(limited.map(({ rateLimit }) => rateLimit))).toEqual(new Set(RATE_LIMITS));
  });

  it.each(limited.map((operation) => ({ id: operation.id, operation })))(
    '$id answers 429 when it is used up, and is described with it',
    async ({ operation }) => {
      world.services.handle(operation, () => {
        throw new Problem('unauthenticated');
      });
      const { requestBody, responses } = describedAs(operation);
      const example = requestBody?.content['application/json']!.example;
      const send = () => post(operation.path.replace(':id', anId()), example);
      const refused = await eventually(async () => {
        const answer = await send();
        expect(answer.status).toBe(429);
        return answer;
      });
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(responses['429']).toMatchObject({ headers: { 'Retry-After': {} } });
    },
  );

  it('is described with 429, and no other one is', () => {
    const with429 = ALL_OPERATIONS.filter((operation) => '429' in describedAs(operation).responses);
    expect(with429).toEqual(limited);
  });
});
