import { ALL_OPERATIONS, SCOPES, type Operation, type Scope } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { anAccount, PASSWORD, signIn, type Cast, type Member } from '../support/cast.js';
import type { Api, Json } from '../support/api.js';
import { trail } from '../around-a-departure/people.js';
import { Listener } from '../support/observers/listener.js';
import { ScimApi } from '../support/scim-api.js';
import { System } from '../support/system.js';
import { ask } from './ask.js';

/** What tokens may do, and what a session may do that somebody else has got hold of. */
let system: System;
let listener: Listener;
let cast: Cast;
beforeAll(async () => {
  system = await System.start();
  listener = await Listener.on(system);
}, 120_000);
beforeEach(async () => {
  cast = await anAccount(system, 'helpdesk');
});
afterAll(async () => {
  await listener?.stop();
  await system?.stop();
}, 30_000);

const TOKENS = '/v1/me/api-tokens';
const MINUTE = 60_000;
const refusal = (call: Promise<unknown>) => system.api().refusal(call);
const tokenWith = async (by: Member, scopes: readonly Scope[], more: Json = {}) =>
  system.api((await by.api.post(TOKENS, { name: 'Script', scopes, ...more })).token as string);

describe('an API token', () => {
  /** The operation with ids of nothing, and the scope that its answer names as missing. */
  async function missingScope(token: string, { method, path }: Operation): Promise<string> {
    const address = path.replaceAll(/:\w+/g, '019b3c5e-7a10-7c44-9d2e-5f60718293a4');
    const { status, text } = await ask(system.url, { method, path: address, token });
    return status === 403 ? text : `${status}`;
  }

  it.each(SCOPES)('with the scope `%s` is refused by every operation that needs another one', async (scope) => {
    const { token } = await cast.owner.api.post(TOKENS, { name: 'Script', scopes: [scope] });
    const others = ALL_OPERATIONS.filter((one) => one.scope !== scope && one.scope !== 'none');
    expect(others.length).toBeGreaterThan(40);
    for (const operation of others) {
      const named = operation.scope === 'session' ? 'API token cannot' : `scope \`${operation.scope}\``;
      expect([operation.id, await missingScope(token as string, operation)]).toEqual([
        operation.id,
        expect.stringContaining(named),
      ]);
    }
  });

  it('does what its scopes name, and never more than the user’s role allows', async () => {
    const [read, write, departures, admin] = await Promise.all(SCOPES.map((one) => tokenWith(cast.owner, [one])));
    await read!.get('/v1/users');
    await write!.post('/v1/records', { type: 'lead', title: 'A lead' });
    await departures!.post('/v1/departures/verify');
    await admin!.get('/v1/audit');
    const agents = await tokenWith(cast.cleo, SCOPES);
    expect(await refusal(agents.get('/v1/audit'))).toMatchObject({ status: 403 });
    expect(await refusal(agents.post(`/v1/users/${cast.dan.id}/deactivate`))).toMatchObject({ status: 403 });
  });

  it('creates no tokens, and changes nobody’s address or password', async () => {
    const token = await tokenWith(cast.owner, SCOPES);
    const change = (of: Member, body: Json) => token.patch(`/v1/users/${of.id}`, body);
    for (const call of [
      () => token.post(TOKENS, { name: 'More', scopes: SCOPES }),
      () => token.post('/v1/account/scim-tokens', { name: 'More' }),
      () => token.post('/v1/auth/step-up', { password: PASSWORD }),
      () => change(cast.owner, { password: 'another long password', currentPassword: PASSWORD }),
      () => change(cast.owner, { email: 'thief@example.com', currentPassword: PASSWORD }),
      () => change(cast.ben, { email: 'thief@example.com' }),
    ])
      expect(await refusal(call())).toMatchObject({ status: 403, code: 'forbidden' });
    expect(await signIn(system, cast.owner.email)).toBeDefined();
  });

  it('ends: after 90 days unless it says otherwise, and when a manager revokes it', async () => {
    const { ada, cleo, owner } = cast;
    const agents = await tokenWith(cleo, SCOPES);
    const path = `/v1/users/${cleo.id}/api-tokens`;
    const { items } = await ada.api.get<{ items: Json[] }>(path);
    expect(items).toMatchObject([{ name: 'Script', scopes: SCOPES }]);
    const lifetime = Date.parse(items[0]!.expiresAt as string) - system.clock.millis();
    expect(Math.round(lifetime / 86_400_000)).toBe(90);
    await agents.get('/v1/me');
    await ada.api.delete(`${path}/${items[0]!.id as string}`);
    expect(await refusal(agents.get('/v1/me'))).toMatchObject({ status: 401 });
    expect((await trail(owner.api, 'action=api-token.revoked'))[0]).toMatchObject({
      actor: { id: ada.id },
      subject: { id: cleo.id },
    });
    await tokenWith(owner, SCOPES);
    expect(await refusal(ada.api.get(`/v1/users/${owner.id}/api-tokens`))).toMatchObject({ status: 403 });
    const short = await tokenWith(owner, SCOPES, { expiresAt: new Date(system.clock.millis() + MINUTE).toISOString() });
    await short.get('/v1/me');
    system.clock.advance(MINUTE);
    expect(await refusal(short.get('/v1/me'))).toMatchObject({ status: 401 });
  });
});

/** A session whose user gave the password more than ten minutes ago. */
async function anOldSession({ email }: Member): Promise<Api> {
  let tokens = await system.api().post('/v1/auth/login', { email, password: PASSWORD });
  for (let step = 0; step < 3; step++) {
    system.clock.advance(4 * MINUTE);
    tokens = await system.api().post('/v1/auth/refresh', { refreshToken: tokens.refreshToken });
  }
  return system.api(tokens.accessToken as string);
}

describe('a session of an hour ago', () => {
  const calls = (api: Api): Record<string, () => Promise<unknown>> => ({
    'an API token': () => api.post(TOKENS, { name: 'Script', scopes: ['read'] }),
    'a SCIM token': () => api.post('/v1/account/scim-tokens', { name: 'Directory' }),
    'the own address': () => api.patch(`/v1/users/${cast.owner.id}`, { email: `new-${cast.owner.email}` }),
  });

  it('changes nothing that lets in before the password is confirmed', async () => {
    const api = await anOldSession(cast.owner);
    for (const [name, call] of Object.entries(calls(api)))
      expect([name, await refusal(call())]).toMatchObject([
        name,
        { status: 403, code: 'step-up-required', detail: expect.stringContaining('/v1/auth/step-up') },
      ]);
    const own = `/v1/users/${cast.owner.id}`;
    expect(await refusal(api.patch(own, { password: 'another long password' }))).toMatchObject({ status: 400 });
    const wrong = { email: `new-${cast.owner.email}`, currentPassword: 'a guess' };
    expect(await refusal(api.patch(own, wrong))).toMatchObject({ status: 400 });
    expect(await refusal(api.post('/v1/auth/step-up', { password: 'a guess' }))).toMatchObject({
      status: 401,
      code: 'invalid-credentials',
    });
    await api.post('/v1/auth/step-up', { password: PASSWORD });
    for (const [name, call] of Object.entries(calls(api))) if (!name.includes('transfer')) await call();
  });

  it('is proven alone, not the user’s other sessions', async () => {
    const old = await anOldSession(cast.owner);
    const fresh = await signIn(system, cast.owner.email);
    await fresh.post('/v1/auth/step-up', { password: PASSWORD });
    expect(await refusal(old.post(TOKENS, { name: 'Script', scopes: ['read'] }))).toMatchObject({
      code: 'step-up-required',
    });
  });

  it('cannot guess the password: wrong ones are limited as at the login, for the user', async () => {
    const { ben } = cast;
    const guesses: Record<string, (n: number) => Promise<unknown>> = {
      'step-up': (n) => ben.api.post('/v1/auth/step-up', { password: `guess ${n}` }),
      currentPassword: (n) =>
        ben.api.patch(`/v1/users/${ben.id}`, { password: 'another long password', currentPassword: `guess ${n}` }),
    };
    let tries = 0;
    let answer: Json;
    do answer = await refusal(guesses['step-up']!(tries));
    while (++tries < 100 && answer.status !== 429);
    expect(tries).toBeGreaterThan(10);
    for (const guess of Object.values(guesses)) expect(await refusal(guess(tries))).toMatchObject({ status: 429 });
    await cast.ada.api.post('/v1/auth/step-up', { password: PASSWORD });
  });
});

describe('an address', () => {
  it('of one’s own changes when it is confirmed from the new mailbox, and the old one is told', async () => {
    const { owner } = cast;
    const email = `new-${owner.email}`;
    const shown = await owner.api.patch(`/v1/users/${owner.id}`, { email });
    expect(shown).toMatchObject({ email: owner.email });
    const token = await listener.mailedTo(email);
    await eventually(async () => expect(await listener.kindsTo(owner.email)).toEqual(['email-change-requested']));
    expect(await refusal(signIn(system, email))).toMatchObject({ code: 'invalid-credentials' });
    const confirm = () => system.api().post('/v1/auth/email-change/confirm', { token });
    await confirm();
    expect(await (await signIn(system, email)).get('/v1/me')).toMatchObject({ id: owner.id, email });
    expect(await refusal(confirm())).toMatchObject({ status: 410 });
    await eventually(async () =>
      expect(await listener.kindsTo(owner.email)).toEqual(['email-change-requested', 'email-changed']),
    );
  });

  it('that a thief has asked for does not survive a new password', async () => {
    const { owner } = cast;
    const stolen = `thief-of-${owner.email}`;
    await owner.api.patch(`/v1/users/${owner.id}`, { email: stolen });
    const token = await listener.mailedTo(stolen);
    await system.api().post('/v1/auth/password-reset', { email: owner.email });
    const reset = await listener.mailedTo(owner.email);
    await system.api().post('/v1/auth/password-reset/confirm', { token: reset, password: 'mine again, mine' });
    expect(await refusal(system.api().post('/v1/auth/email-change/confirm', { token }))).toMatchObject({ status: 410 });
  });

  it.each(['a manager', 'the identity provider'])('that %s changes is told', async (who) => {
    const { dan, owner } = cast;
    if (who === 'a manager') await owner.api.patch(`/v1/users/${dan.id}`, { email: `new-${dan.email}` });
    else {
      const scim = await ScimApi.connect(system, owner.api);
      await scim.patch(`/Users/${dan.id}`, [{ op: 'replace', path: 'userName', value: `new-${dan.email}` }]);
    }
    await eventually(async () => expect(await listener.kindsTo(dan.email)).toEqual(['email-changed']));
  });
});
