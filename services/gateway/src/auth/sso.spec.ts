import {
  beginSso,
  beginSsoProof,
  endSsoSessions,
  endSsoSessionsOf,
  finishSso,
  Problem,
  ssoLookup,
  type SsoReturn,
} from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { anId, bodyOf, World } from '../../test/world.js';

const ORIGIN = 'https://leaver.example.com';
const BROWSER = 'b'.repeat(43);
const SECRET = 'f'.repeat(22) + 's'.repeat(43);
const PROVIDER = 'https://accounts.example.org/authorize?state=s';
const COOKIE = `__Host-leaver-sso=${BROWSER}; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax`;

let world: World;
let accountId: string;
let returned: SsoReturn[];

beforeAll(async () => {
  world = await World.create({ env: { PUBLIC_URL: ORIGIN, FAILED_TOKENS_PER_MINUTE: '20' } });
});
afterAll(() => world.close());
beforeEach(async () => {
  accountId = anId();
  world.services.answer(beginSso, () => ({ url: PROVIDER, browser: BROWSER }));
  returned = world.services.answer(finishSso, () => ({ returnTo: '/people?view=left', secret: SECRET }));
  await world.services.settled();
});

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${world.url}/v1/auth/sso/${accountId}/${path}`, { redirect: 'manual', headers });
const seen = ({ status, headers }: Response) => [status, headers.get('location'), headers.getSetCookie()];

describe('a browser on its way to the identity provider', () => {
  it('gets a cookie with which only it can come back', async () => {
    const begun = world.services.answer(beginSso, () => ({ url: PROVIDER, browser: BROWSER }));
    await world.services.settled();
    expect(seen(await get('start?returnTo=/people'))).toEqual([302, PROVIDER, [COOKIE]]);
    expect(begun).toEqual([{ accountId, returnTo: '/people', origin: ORIGIN }]);
  });

  it.each([
    'https://evil.example.com',
    '//evil.example.com',
    '/\\evil.example.com',
    '/people//evil.example.com',
    'people',
    '/a%0d%0aset-cookie:x=y',
    'javascript:alert(1)',
    `/${'x'.repeat(2_000)}`,
  ])('cannot be sent to another site afterwards: %s', async (page) => {
    expect((await get(`start?returnTo=${encodeURIComponent(page)}`)).status).toBe(400);
  });

  it('goes there for a proof only from our own pages, with the session', async () => {
    const asked = world.services.answer(beginSsoProof, () => ({ url: PROVIDER, browser: BROWSER }));
    const answer = await world.request('POST', '/v1/me/sso', { json: { purpose: 'step-up', returnTo: '/account' } });
    expect([answer.status, await bodyOf(answer)]).toEqual([200, { url: PROVIDER }]);
    expect(answer.headers.getSetCookie()).toEqual([COOKIE]);
    expect(asked).toEqual([expect.objectContaining({ purpose: 'step-up', returnTo: '/account', origin: ORIGIN })]);
    const nobody = await fetch(`${world.url}/v1/me/sso`, { method: 'POST' });
    expect(nobody.status).toBe(401);
  });
});

describe('a browser that comes back', () => {
  it('is signed in with the cookie of every session, and loses the other one', async () => {
    const answer = await get('callback?code=c&state=s&session_state=more', { cookie: `__Host-leaver-sso=${BROWSER}` });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/people?view=left']);
    expect(answer.headers.getSetCookie()).toEqual([
      '__Host-leaver-sso=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
      `__Host-leaver-session=${SECRET}; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Strict`,
    ]);
    expect(returned).toEqual([
      expect.objectContaining({
        ...{ accountId, origin: ORIGIN, browser: BROWSER },
        search: '?code=c&state=s&session_state=more',
      }),
    ]);
  });

  it('is sent to the sign-in page if that fails, and a program gets the problem', async () => {
    world.services.answer(finishSso, () => {
      throw new Problem('account-inactive');
    });
    await world.services.settled();
    const page = await get('callback?code=c&state=s', { accept: 'text/html,*/*;q=0.8' });
    expect(seen(page)).toEqual([302, '/sign-in?error=account-inactive', []]);
    const program = await get('callback?code=c&state=s');
    expect([program.status, (await bodyOf(program)).code]).toEqual([401, 'account-inactive']);
  });

  it('without the cookie is none that has begun here', async () => {
    await get('callback?code=c&state=s', { cookie: '__Host-leaver-sso=forged' });
    expect(returned.map(({ browser }) => browser)).toEqual([null]);
  });
});

it('the way for an address is asked of identity', async () => {
  world.services.handle(ssoLookup, () => ({ startUrl: `/v1/auth/sso/${accountId}/start`, enforced: false }));
  const answer = await world.request('POST', '/v1/auth/sso', { json: { email: 'maya@example.com' } });
  expect(await bodyOf(answer)).toEqual({ startUrl: `${ORIGIN}/v1/auth/sso/${accountId}/start`, enforced: false });
});

describe('an identity provider', () => {
  const post = (step: string, body: string, headers: Record<string, string>) =>
    fetch(`${world.url}/v1/auth/sso/${accountId}/${step}`, { method: 'POST', body, headers });

  it('sends logout tokens in a form', async () => {
    const asked = world.services.answer(endSsoSessions, () => undefined);
    await world.services.settled();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await post('backchannel-logout', 'logout_token=a.b.c&more=x', form);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(asked).toEqual([{ accountId, logoutToken: 'a.b.c' }]);
    for (const body of ['', 'logout_token=a&logout_token=b', 'token=a', `logout_token=${'x'.repeat(20_001)}`])
      expect((await post('backchannel-logout', body, form)).status).toBe(400);
    const json = { 'content-type': 'application/json' };
    expect((await post('backchannel-logout', '{"logout_token":"a.b.c"}', json)).status).toBe(415);
    expect(asked).toHaveLength(1);
  });

  it('names the person of a universal logout, with a token for this address', async () => {
    const asked = world.services.answer(endSsoSessionsOf, () => undefined);
    await world.services.settled();
    const json = { 'content-type': 'application/json', authorization: 'Bearer a.b.c' };
    const subject = { format: 'iss_sub', iss: 'https://accounts.example.org', sub: '00u1' };
    const answer = await post('global-token-revocation', JSON.stringify({ sub_id: subject }), json);
    expect(answer.status).toBe(204);
    const audience = `${ORIGIN}/v1/auth/sso/${accountId}/global-token-revocation`;
    expect(asked).toEqual([{ accountId, token: 'a.b.c', audience, subject }]);
    const nameless = { 'content-type': 'application/json' };
    expect((await post('global-token-revocation', JSON.stringify({ sub_id: subject }), nameless)).status).toBe(401);
    for (const body of ['{}', '{"sub_id":"x"}', '{"sub_id":{"format":"phone"}}'])
      expect((await post('global-token-revocation', body, json)).status).toBe(400);
    expect(asked).toHaveLength(1);
  });
});

// Last, because it uses up what this address may try.
it('one address cannot try without end', async () => {
  world.services.answer(finishSso, () => {
    throw new Problem('sso-failed');
  });
  await world.services.settled();
  const statuses = new Set<number>();
  for (let n = 0; n < 25; n++) statuses.add((await get('callback?code=c&state=s')).status);
  expect([...statuses]).toEqual([401, 429]);
});
