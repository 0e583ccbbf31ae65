import {
  accountGet,
  authLogout,
  exchangeBrowserSession,
  meGet,
  openBrowserSession,
  teamsCreate,
  type ExchangedSession,
} from '#libs/contracts';
import { TestClock } from '#libs/database';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anId, bearer, bodyOf, World } from '../../test/world.js';

const SECRET = 'f'.repeat(22) + 's'.repeat(43);
const NEXT = 'f'.repeat(22) + 't'.repeat(43);
const LOGIN = { email: 'ada@example.com', password: 'correct horse' };

let world: World;
let clock: TestClock;
let userId: string;
let exchanged: { secret: string }[];
let answers: (ExchangedSession | null)[];

beforeEach(async () => {
  clock = new TestClock();
  await start();
});
afterEach(() => world.close());

async function start(env = {}): Promise<void> {
  world = await World.create({ clock, env });
  userId = anId();
  const user = { id: userId, name: 'Ada', status: 'active' };
  world.services.answer(openBrowserSession, () => ({ secret: SECRET, user }) as never);
  world.services.handle(meGet, () => ({ ...user, accountId: anId() }));
  world.services.handle(accountGet, () => ({ id: anId() }));
  answers = [];
  exchanged = world.services.answer(exchangeBrowserSession, async () =>
    answers.length > 0 ? answers.shift()! : { accessToken: await world.token({ userId }), expiresIn: 300 },
  );
  await world.services.settled();
}

interface Sent {
  method?: string;
  cookie?: string;
  headers?: Record<string, string>;
  body?: object;
}
const send = (path: string, { method = 'GET', cookie = `leaver-session=${SECRET}`, headers, body }: Sent = {}) =>
  fetch(`${world.url}${path}`, {
    method,
    headers: { cookie, ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
const signIn = (headers = {}) => send('/v1/auth/session', { method: 'POST', cookie: '', headers, body: LOGIN });
const token = async () => (await bodyOf(await send('/v1/auth/session'))).csrfToken as string;
const addTeam = (headers: Record<string, string>) =>
  send('/v1/teams', { method: 'POST', headers, body: { name: 'Support' } });

describe('signing in from a browser', () => {
  it('sets a cookie that scripts cannot read, and answers without any token that lets in', async () => {
    const answer = await signIn();
    const cookie = `leaver-session=${SECRET}; Max-Age=2592000; Path=/; HttpOnly; SameSite=Strict`;
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, [cookie]]);
    const body = await bodyOf(answer);
    expect(Object.keys(body)).toEqual(['user', 'csrfToken']);
    expect(JSON.stringify(body)).not.toContain(SECRET.slice(22));
    expect(body.csrfToken).toBe(await token());
  });

  it('binds the cookie to the host and to HTTPS if that is how clients reach it', async () => {
    await world.close();
    await start({ PUBLIC_URL: 'https://leaver.example.com' });
    const [cookie] = (await signIn()).headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-leaver-session=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    expect((await send('/v1/account', { cookie: cookie!.split(';', 1)[0]! })).status).toBe(200);
    expect((await send('/v1/account')).status).toBe(401);
  });

  it('cannot be caused by another site', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const refused = await signIn({ 'sec-fetch-site': site });
      expect([refused.status, await bodyOf(refused)]).toEqual([
        403,
        expect.objectContaining({ code: 'csrf-token-invalid' }),
      ]);
    }
    expect((await signIn({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });
});

describe('a session cookie', () => {
  it('authenticates its user, with one exchange while the access token is valid', async () => {
    const calls = world.services.handle(accountGet, () => ({ id: anId() }));
    await world.services.settled();
    const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await send('/v1/account')).status));
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    expect(exchanged).toEqual([{ secret: SECRET }]);
    expect(calls[0]!.principal.userId).toBe(userId);
    clock.advance(291_000);
    expect((await send('/v1/account')).status).toBe(200);
    expect(exchanged).toHaveLength(2);
  });

  it('changes when identity says so', async () => {
    answers.push({ accessToken: await world.token({ userId }), expiresIn: 300, next: NEXT });
    const [cookie] = (await send('/v1/account')).headers.getSetCookie();
    expect(cookie).toMatch(`leaver-session=${NEXT};`);
    expect((await send('/v1/account', { cookie: `leaver-session=${NEXT}` })).headers.getSetCookie()).toEqual([]);
    const csrf = { 'x-csrf-token': await token() };
    const calls = world.services.handle(teamsCreate, () => ({ id: anId() }));
    await world.services.settled();
    expect((await addTeam(csrf)).status).toBe(201);
    expect(calls).toHaveLength(1);
  });

  it('is removed when the session is over, or was never one', async () => {
    answers.push(null, null);
    const refused = await send('/v1/account');
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([
      401,
      ['leaver-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict'],
    ]);
    const before = exchanged.length;
    for (const cookie of ['leaver-session=made-up', 'other=1', 'leaver-session='])
      expect((await send('/v1/account', { cookie })).status).toBe(401);
    expect(exchanged).toHaveLength(before);
  });

  it('is refused within a second after the end of the session, also with a kept access token', async () => {
    const sessionId = anId();
    answers.push({ accessToken: await world.token({ userId, sessionId }), expiresIn: 300 });
    expect((await send('/v1/account')).status).toBe(200);
    world.feed.publish({ sessions: [sessionId] });
    answers.push(null, null);
    const deadline = performance.now() + 1_000;
    while ((await send('/v1/account')).status !== 401) expect(performance.now()).toBeLessThan(deadline);
  });

  it('goes on with another access token when a lost role has ended the former one', async () => {
    answers.push({ accessToken: await world.token({ userId, epoch: 1 }), expiresIn: 300 });
    expect((await send('/v1/account')).status).toBe(200);
    world.feed.publish({ epochs: [{ userId, epoch: 2 }] });
    answers.push({ accessToken: await world.token({ userId, epoch: 2, roles: ['agent'] }), expiresIn: 300 });
    while (exchanged.length < 2) expect((await send('/v1/account')).status).toBe(200);
  });

  it('needs the token of the session for every change, and never counts for a page of another site', async () => {
    const calls = world.services.handle(teamsCreate, () => ({ id: anId() }));
    await world.services.settled();
    const csrf = await token();
    const refused: Record<string, string>[] = [
      {},
      { 'x-csrf-token': 'x' },
      { 'x-csrf-token': `${csrf}x` },
      { 'x-csrf-token': csrf, 'sec-fetch-site': 'cross-site' },
      { 'x-csrf-token': csrf, 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of refused) expect((await addTeam(headers)).status).toBe(403);
    expect((await send('/v1/account', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect(calls).toHaveLength(0);
    expect((await addTeam({ 'x-csrf-token': csrf, 'sec-fetch-site': 'same-origin' })).status).toBe(201);
    expect((await send('/v1/account', { headers: { 'sec-fetch-site': 'none' } })).status).toBe(200);
  });

  it('does not count beside a bearer token', async () => {
    const refused = await send('/v1/account', { headers: { authorization: 'Bearer nonsense' } });
    expect(refused.status).toBe(401);
    const { headers } = { headers: bearer(await world.token()) };
    expect((await send('/v1/auth/session', { headers })).status).toBe(404);
    expect((await addTeam(headers)).status).not.toBe(403);
  });

  it('is removed with a sign-out, which ends the session', async () => {
    const ended = world.services.handle(authLogout, () => undefined);
    await world.services.settled();
    const headers = { 'x-csrf-token': await token() };
    expect((await send('/v1/auth/session', { method: 'DELETE' })).status).toBe(403);
    const answer = await send('/v1/auth/session', { method: 'DELETE', headers });
    expect([answer.status, answer.headers.getSetCookie()[0]]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect(ended.map(({ principal }) => principal.userId)).toEqual([userId]);
  });

  it('that is guessed often is not looked up any more', async () => {
    await world.close();
    await start({ FAILED_TOKENS_PER_MINUTE: '3' });
    answers.push(...Array.from({ length: 20 }, () => null));
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await send('/v1/account')).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
  });
});
