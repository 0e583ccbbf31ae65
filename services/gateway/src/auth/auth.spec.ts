import { accountGet, ALL_OPERATIONS, myTotpGet, sessionSnapshot, SET_UP_AUDIENCE, signingKeys } from '#libs/contracts';
import { TestClock } from '#libs/database';
import { eventually } from '#libs/test-kit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { aKey, anId, World } from '../../test/world.js';

let world: World;
let clock: TestClock;

beforeEach(async () => {
  clock = new TestClock();
  world = await World.create({ clock });
  world.services.handle(accountGet, () => ({ id: anId() }));
});
afterEach(() => world.close());

let late: NodeJS.Timeout;
/** As if the broker had kept the messages of the feed for a while. */
const beatLate = () => (late = setInterval(() => world.feed.publish({}, Date.now() - 1_500), 100));

const statusWith = async (authorization: string, url = world.url) =>
  (await fetch(`${url}/v1/account`, { headers: { authorization } })).status;
const statusOf = (token: string, url?: string) => statusWith(`Bearer ${token}`, url);

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('an access token', () => {
  it('is accepted without a request to identity', async () => {
    expect(await statusOf(await world.token())).toBe(200);
    expect(world.introspected).toEqual([]);
  });

  it('of a user who has to set up a second factor first is for that only', async () => {
    const headers = { authorization: `Bearer ${await world.token({ audience: SET_UP_AUDIENCE })}` };
    world.services.handle(myTotpGet, () => ({ enabled: false, enabledAt: null, recoveryCodesLeft: 0 }));
    await world.services.settled();
    expect((await fetch(`${world.url}/v1/me/totp`, { headers })).status).toBe(200);
    const refused = await fetch(`${world.url}/v1/account`, { headers });
    expect([refused.status, await refused.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'second-factor-missing' }),
    ]);
    const open = ALL_OPERATIONS.filter(({ access, openDuringSetUp }) => openDuringSetUp && access !== 'public');
    expect(open.map(({ id }) => id)).toEqual(expect.arrayContaining(['auth.logout', 'auth.step-up', 'me.get']));
    expect(
      open.filter(({ id }) => !/^(auth\.(logout|step-up|session\.)|me\.(get$|passkeys|totp|recovery))/.test(id)),
    ).toEqual([]);
  });

  it('is refused when any part of it is invalid', async () => {
    const good = await world.token();
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const foreign = await aKey('key-1');
    const hmac = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
      .sign(Buffer.from(world.key.jwk.x!, 'base64url'));
    const tokens = {
      expired: await world.token({ issuedAt: -120, expiresAt: -60 }),
      'older than the longest lifetime': await world.token({ issuedAt: -310, expiresAt: 300 }),
      'from the future': await world.token({ issuedAt: 60 }),
      tampered: `${header}.${encode({ ...claims, roles: ['owner', 'admin'] })}.${signature}`,
      unsigned: `${encode({ alg: 'none' })}.${payload}.`,
      'unsigned, with a key id': `${encode({ alg: 'none', kid: 'key-1' })}.${payload}.${signature}`,
      'signed with our public key as a password': hmac,
      'signed with another key': await world.token({ key: foreign.privateKey }),
      'of an unknown key': await world.token({ key: foreign.privateKey, kid: 'key-9' }),
      'for another audience': await world.token({ audience: 'somebody' }),
      'of another issuer': await world.token({ issuer: 'somebody' }),
      'without a session': await world.token({ sessionId: undefined }),
      'no token': 'nonsense',
      empty: '',
    };
    const statuses = Object.entries(tokens).map(async ([name, token]) => [name, await statusOf(token)]);
    expect(Object.fromEntries(await Promise.all(statuses))).toEqual(
      Object.fromEntries(Object.keys(tokens).map((name) => [name, 401])),
    );
    expect(await statusOf(good)).toBe(200);
  });

  it('is refused after it has expired or has become too old, even if it was accepted before', async () => {
    const good = await world.token({ expiresAt: 3_600 });
    const short = await world.token({ expiresAt: 10 });
    const old = await world.token({ issuedAt: -290, expiresAt: 3_600 });
    for (const token of [good, short, old]) expect(await statusOf(token)).toBe(200);
    clock.advance(13_000);
    await eventually(async () => expect(await statusOf(good)).toBe(200));
    expect([await statusOf(short), await statusOf(old)]).toEqual([401, 401]);
  });

  it('is refused after identity has withdrawn its key, even if it was accepted before', async () => {
    const token = await world.token();
    expect(await statusOf(token)).toBe(200);
    const next = await aKey('key-2');
    world.jwks.splice(0, world.jwks.length, next.jwk);
    clock.advance(60_000);
    const another = await world.token({ key: next.privateKey, kid: 'key-2' });
    await eventually(async () => expect(await statusOf(another)).toBe(200));
    expect(await statusOf(token)).toBe(401);
  });

  it('is refused if it is signed with a key of another purpose, or with one that was withdrawn', async () => {
    const certificates = await aKey('key-2');
    const withdrawn = await aKey('key-4');
    const revoked = { revoked_at: 1, reason: 'compromised' };
    world.jwks.push(
      { ...certificates.jwk, purpose: 'certificates' },
      { ...(await aKey('key-3')).jwk, purpose: 'heads' },
      { ...withdrawn.jwk, purpose: 'tokens', revoked },
    );
    world.jwks[0] = { ...world.jwks[0], purpose: 'tokens' };
    expect(await statusOf(await world.token({ key: certificates.privateKey, kid: 'key-2' }))).toBe(401);
    expect(await statusOf(await world.token({ key: withdrawn.privateKey, kid: 'key-4' }))).toBe(401);
    expect(await statusOf(await world.token())).toBe(200);
    const kidsFor = async (query: string) => {
      const answer = await fetch(`${world.url}/.well-known/jwks.json${query}`);
      return answer.ok
        ? ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
        : answer.status;
    };
    expect(await kidsFor('')).toEqual(['key-1', 'key-2', 'key-3', 'key-4']);
    expect(await kidsFor('?purpose=certificates')).toEqual(['key-2']);
    expect(await kidsFor('?purpose=tokens')).toEqual(['key-1', 'key-4']);
    expect(await kidsFor('?purpose=other')).toBe(400);
  });

  it('is refused if its claims were changed under the signature of an accepted token', async () => {
    const good = await world.token();
    expect(await statusOf(good)).toBe(200);
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    expect(await statusOf(`${header}.${encode({ ...claims, acc: anId() })}.${signature}`)).toBe(401);
  });

  it('must be sent as a bearer token', async () => {
    const token = await world.token();
    expect(await statusWith(`Basic ${token}`)).toBe(401);
    const refused = await fetch(`${world.url}/v1/account`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  it('is accepted if it is signed with a key that identity has just introduced', async () => {
    expect(await statusOf(await world.token())).toBe(200);
    const next = await aKey('key-2');
    world.jwks.push(next.jwk);
    clock.advance(5_000);
    const token = await world.token({ key: next.privateKey, kid: 'key-2' });
    await eventually(async () => expect(await statusOf(token)).toBe(200));
  });

  it('with an unknown key id does not cause a key request each time', async () => {
    const asked = world.services.answer(signingKeys, () => ({ keys: world.jwks }));
    await world.services.settled();
    await statusOf(await world.token());
    clock.advance(5_000);
    for (let n = 0; n < 10; n++) expect(await statusOf(await world.token({ kid: `invented-${n}` }))).toBe(401);
    expect(asked).toHaveLength(2);
  });
});

describe('an API token', () => {
  it('authenticates the principal that identity returns, or nobody', async () => {
    const calls = world.services.handle(accountGet, () => ({ id: anId() }));
    world.introspection = { userId: anId(), accountId: anId(), roles: ['agent'] };
    expect(await statusOf('lvr_id_secret')).toBe(200);
    expect([world.introspected, calls[0]?.principal]).toEqual([[{ token: 'lvr_id_secret' }], world.introspection]);
    world.introspection = null;
    expect(await statusOf('lvr_id_secret')).toBe(401);
  });
});

describe('an ended session', () => {
  it('is refused within a second at every replica, while a later session is accepted', async () => {
    const replica = await world.addGateway();
    const userId = anId();
    const [old, renewed] = [await world.token({ userId, epoch: 1 }), await world.token({ userId, epoch: 2 })];
    expect([await statusOf(old), await statusOf(old, replica)]).toEqual([200, 200]);
    world.feed.publish({ epochs: [{ userId, epoch: 2 }] });
    await eventually(async () => expect([await statusOf(old), await statusOf(old, replica)]).toEqual([401, 401]), {
      timeout: 1_000,
    });
    expect([await statusOf(renewed), await statusOf(renewed, replica)]).toEqual([200, 200]);
    expect(world.introspected).toEqual([]);
    expect(await (await fetch(world.metricsUrl)).text()).toContain('leaver_session_end_delay_seconds_count 1\n');
  });

  it('does not affect other sessions of the user', async () => {
    const [userId, sessionId] = [anId(), anId()];
    const [ended, other] = [await world.token({ userId, sessionId }), await world.token({ userId })];
    world.feed.publish({ sessions: [sessionId] });
    await eventually(async () => expect(await statusOf(ended)).toBe(401), { timeout: 1_000 });
    expect(await statusOf(other)).toBe(200);
  });

  it('stays refused when a lower epoch arrives afterwards', async () => {
    const userId = anId();
    world.feed.publish({ epochs: [{ userId, epoch: 3 }] });
    const token = await world.token({ userId, epoch: 2 });
    await eventually(async () => expect(await statusOf(token)).toBe(401));
    const marker = anId();
    world.feed.publish({ epochs: [{ userId, epoch: 1 }] });
    world.feed.publish({ epochs: [{ userId: marker, epoch: 2 }] });
    const marked = await world.token({ userId: marker, epoch: 1 });
    await eventually(async () => expect(await statusOf(marked)).toBe(401));
    expect(await statusOf(token)).toBe(401);
  });

  it.each([
    ['a message was lost', () => world.feed.lose()],
    ['another replica of identity publishes', () => world.feed.startAgain()],
  ])('is read from identity when %s', async (_when, happens) => {
    const userId = anId();
    const token = await world.token({ userId });
    expect(await statusOf(token)).toBe(200);
    world.snapshot = { epochs: [{ userId, epoch: 2 }], sessions: [], at: '2', more: false };
    happens();
    await eventually(async () => expect(await statusOf(token)).toBe(401), { timeout: 1_000 });
  });
});

describe('a gateway that cannot know which sessions have ended', () => {
  it('is not ready', async () => {
    world.services.fallSilent(sessionSnapshot);
    const replica = await world.startGateway();
    const ready = async () => (await fetch(`${replica}/health/ready`)).status;
    expect(await ready()).toBe(503);
    expect((await fetch(`${replica}/health/live`)).status).toBe(200);
    world.answerSnapshots();
    await eventually(async () => expect(await ready()).toBe(200));
  });

  it.each([
    ['identity is silent', () => world.feed.pause()],
    ['messages are old when they arrive', () => (world.feed.pause(), beatLate())],
  ])('asks identity to introspect a token when %s', async (_when, happens) => {
    const token = await world.token();
    expect(await statusOf(token)).toBe(200);
    world.introspected.length = 0;
    happens();
    await eventually(async () => expect(await statusOf(token)).toBe(401), { timeout: 1_500 });
    expect(world.introspected).toContainEqual({ token });
    world.introspection = { userId: anId(), accountId: anId(), roles: ['owner'], sessionId: anId() };
    expect(await statusOf(token)).toBe(200);
    clearInterval(late);
    world.feed.resume();
    world.introspection = null;
    await eventually(async () => expect(await statusOf(token)).toBe(200));
  });

  it('refuses requests while the broker is down, and recovers when the broker has lost all data', async () => {
    const userId = anId();
    const token = await world.token({ userId });
    expect(await statusOf(token)).toBe(200);
    await world.broker.kill();
    await eventually(async () => expect(await statusOf(token)).toBe(503));
    await world.broker.restartEmpty();
    await eventually(async () => expect(await statusOf(token)).toBe(200), { timeout: 20_000 });
    world.feed.publish({ epochs: [{ userId, epoch: 2 }] });
    await eventually(async () => expect(await statusOf(token)).toBe(401), { timeout: 1_000 });
  });
});
