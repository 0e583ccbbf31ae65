import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { sql } from 'kysely';
import {
  authenticate,
  authLogin,
  authLogout,
  authRefresh,
  meGet,
  mySessionsEnd,
  mySessionsList,
  NOBODY,
  signingKeys,
  usersUpdate,
  type Login,
  type OpenedAccount,
  type Principal,
  type Problem,
} from '#libs/contracts';
import { Passwords } from '../password/passwords.js';
import { outcomeOf, ownerOf, PASSWORD, tally, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let opened: OpenedAccount;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  opened = await identity.anAccount();
  owner = ownerOf(opened);
});
afterAll(() => identity.stop());

const client = { ip: '192.0.2.7', userAgent: 'test' };
const login = (body: Login) => identity.call(authLogin, { principal: NOBODY, body, client });
const refresh = (refreshToken: string) => identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } });
const whoIs = (token: string) => identity.client.ask(authenticate, { token });
const sessionOf = (accessToken: string) => String(decodeJwt(accessToken).sid);

describe('signing in', () => {
  it('ignores the case of the email, and returns the user', async () => {
    const answer = await login({ email: opened.user.email!.toUpperCase(), password: PASSWORD });
    expect(answer.user).toEqual(opened.user);
    expect(await whoIs(answer.accessToken)).toEqual({ ...owner, sessionId: sessionOf(answer.accessToken) });
  });

  it('gives the same answer for an unknown email, a wrong password and an invited user', async () => {
    const invited = await identity.aUser(owner, { password: undefined });
    const gone = await identity.aUser(owner);
    await identity.query(sql`update users set status = 'deactivated' where id = ${gone.id}`);
    const answers = await Promise.all(
      ['nobody@example.com', opened.user.email!, invited.email!, gone.email!].map((email) =>
        login({ email, password: 'not the password' }).catch((problem: Problem) => problem.toBody()),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ code: 'invalid-credentials', status: 401 });
  });

  it('reveals that a user is deactivated only with the right password', async () => {
    const { id, email } = await identity.aUser(owner);
    await identity.query(sql`update users set status = 'deactivated' where id = ${id}`);
    expect(await outcomeOf(login({ email: email!, password: PASSWORD }))).toBe('account-inactive');
  });

  it('with an email of several accounts uses the one that the password matches, or asks for the account', async () => {
    const email = 'both@example.com';
    const first = await identity.anAccount({ owner: { email, password: 'password one' } });
    const second = await identity.anAccount({ owner: { email, password: 'password two' } });
    expect((await login({ email, password: 'password two' })).user.id).toBe(second.user.id);
    const third = await identity.anAccount({ owner: { email, password: 'password one' } });
    expect(await outcomeOf(login({ email, password: 'password one' }))).toBe('validation');
    const chosen = await login({ email, password: 'password one', accountId: third.account.id });
    expect(chosen.user.id).toBe(third.user.id);
    expect(first.user.id).not.toBe(third.user.id);
  });
});

describe('an address with which strangers have opened many accounts', () => {
  const email = 'victim@example.com';
  const squatted = (password: string, n: number) =>
    Promise.all(Array.from({ length: n }, () => identity.anAccount({ owner: { email, password } })));

  /** Counts the passwords that are checked meanwhile. */
  async function checks(work: () => Promise<unknown>): Promise<number> {
    const matches = jest.spyOn(identity.get(Passwords), 'matches');
    await work().catch(() => undefined);
    const { length } = matches.mock.calls;
    matches.mockRestore();
    return length;
  }

  it('belongs to the user who has proved it: few passwords are checked, and the right one is not ambiguous', async () => {
    await squatted('known to the stranger', 4);
    const mine = await identity.anAccount({ owner: { email, password: PASSWORD } });
    await identity.query(sql`update users set email_verified_at = now() where id = ${mine.user.id}`);
    await squatted(PASSWORD, 4);
    expect((await login({ email, password: PASSWORD })).user.id).toBe(mine.user.id);
    expect(await checks(() => login({ email, password: PASSWORD }))).toBe(5);
    expect(await checks(() => login({ email, password: 'not the password' }))).toBe(5);
  });

  it('lets everybody sign in who names the account', async () => {
    const last = await identity.anAccount({ owner: { email, password: 'of the last one' } });
    expect(await outcomeOf(login({ email, password: 'of the last one' }))).toBe('invalid-credentials');
    const accountId = last.account.id;
    expect((await login({ email, password: 'of the last one', accountId })).user.id).toBe(last.user.id);
    expect(await checks(() => login({ email, password: 'of the last one', accountId }))).toBe(1);
  });
});

describe('access tokens', () => {
  it('use EdDSA, are valid for five minutes, and contain account, roles, session and epoch', async () => {
    const { keys } = await identity.client.ask(signingKeys, {});
    const ofTokens = keys.find(({ purpose }) => purpose === 'tokens');
    expect(decodeProtectedHeader(opened.accessToken)).toMatchObject({ alg: 'EdDSA', kid: ofTokens!.kid });
    for (const key of keys) expect(key).not.toHaveProperty('d');
    const claims = decodeJwt(opened.accessToken);
    expect(claims).toMatchObject({ iss: 'leaver', sub: owner.userId, acc: owner.accountId, roles: ['owner'], ep: 0 });
    expect(claims.exp! - claims.iat!).toBe(300);
  });

  it('are refused if altered, unsigned or expired', async () => {
    const [header, body, signature] = opened.accessToken.split('.') as [string, string, string];
    const forged = Buffer.from(JSON.stringify({ ...decodeJwt(opened.accessToken), roles: ['admin'] })).toString(
      'base64url',
    );
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    expect(await whoIs(`${header}.${forged}.${signature}`)).toBeNull();
    expect(await whoIs(`${none}.${body}.`)).toBeNull();
    expect(await whoIs('nonsense')).toBeNull();
    expect(await whoIs(opened.accessToken)).not.toBeNull();
    identity.clock.advance(301_000);
    expect(await whoIs(opened.accessToken)).toBeNull();
  });

  it('become invalid when a role is lost, and the session continues with the other roles', async () => {
    const { id, email } = await identity.aUser(owner, { roles: ['admin'] });
    const signedIn = await login({ email: email!, password: PASSWORD });
    await identity.call(usersUpdate, { principal: owner, params: { id }, body: { roles: ['agent'] } });
    expect(await whoIs(signedIn.accessToken)).toBeNull();
    const next = await refresh(signedIn.refreshToken);
    expect(await whoIs(next.accessToken)).toMatchObject({ userId: id, roles: ['agent'] });
  });
});

describe('refresh tokens', () => {
  it('are valid once, and the next one belongs to the same session', async () => {
    const next = await refresh(opened.refreshToken);
    expect(sessionOf(next.accessToken)).toBe(sessionOf(opened.accessToken));
    expect(await outcomeOf(refresh(next.refreshToken))).toBe('ok');
  });

  it('that are used again, however old, end only their own session', async () => {
    const other = await login({ email: opened.user.email!, password: PASSWORD });
    const second = await refresh(opened.refreshToken);
    const third = await refresh(second.refreshToken);
    expect(await outcomeOf(refresh(opened.refreshToken))).toBe('unauthenticated');
    expect(await outcomeOf(refresh(third.refreshToken))).toBe('unauthenticated');
    expect(await whoIs(third.accessToken)).toBeNull();
    expect(await outcomeOf(refresh(other.refreshToken))).toBe('ok');
  });

  it('that are used 20 times concurrently succeed once, and the session ends', async () => {
    const uses = Array.from({ length: 20 }, () => refresh(opened.refreshToken));
    const answers = await Promise.allSettled(uses);
    expect(await tally(uses)).toEqual({ ok: 1, unauthenticated: 19 });
    const [won] = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    expect(await outcomeOf(refresh(won!.refreshToken))).toBe('unauthenticated');
    expect(await whoIs(won!.accessToken)).toBeNull();
  });

  it('are refused if invented or not used for 30 days', async () => {
    expect(await outcomeOf(refresh('made up'))).toBe('unauthenticated');
    expect(await outcomeOf(refresh('a'.repeat(65)))).toBe('unauthenticated');
    identity.clock.advanceDays(30);
    expect(await outcomeOf(refresh(opened.refreshToken))).toBe('unauthenticated');
  });

  it('are not in the database', async () => {
    const stored = await identity.query(
      sql<{ row: string }>`select session::text as row from session where user_id = ${owner.userId}`,
    );
    expect(stored).toHaveLength(1);
    expect(stored[0]!.row).not.toContain(Buffer.from(opened.refreshToken).toString('hex'));
    expect(stored[0]!.row).not.toContain(opened.refreshToken);
  });
});

describe('my sessions', () => {
  it('are listed with their origin, and the current one is marked', async () => {
    const here = await login({ email: opened.user.email!, password: PASSWORD });
    const principal = { ...owner, sessionId: sessionOf(here.accessToken) };
    const { items } = await identity.call(mySessionsList, { principal });
    expect(items).toMatchObject([
      { current: true, ...client },
      { current: false, ip: null },
    ]);
  });

  it('can be ended one by one, but not those of other users', async () => {
    const id = sessionOf(opened.accessToken);
    const stranger = ownerOf(await identity.anAccount());
    const end = (principal: Principal) => identity.call(mySessionsEnd, { principal, params: { id } });
    expect(await outcomeOf(end(stranger))).toBe('not-found');
    const elsewhere = await identity.signedIn(owner);
    expect(await outcomeOf(end(elsewhere))).toBe('ok');
    expect(await outcomeOf(end(elsewhere))).toBe('not-found');
    expect(await outcomeOf(end(owner))).toBe('unauthenticated');
    expect(await whoIs(opened.accessToken)).toBeNull();
    expect(await outcomeOf(refresh(opened.refreshToken))).toBe('unauthenticated');
  });

  it('logging out ends the current one', async () => {
    const other = await login({ email: opened.user.email!, password: PASSWORD });
    const third = await identity.signedIn(owner);
    await identity.call(authLogout, { principal: { ...owner, sessionId: sessionOf(opened.accessToken) } });
    expect(await whoIs(opened.accessToken)).toBeNull();
    expect(await whoIs(other.accessToken)).not.toBeNull();
    await identity.call(authLogout, { principal: third, body: { refreshToken: other.refreshToken } });
    expect(await whoIs(other.accessToken)).toBeNull();
  });

  it('end when the password is changed, except the one that changes it', async () => {
    const here = await login({ email: opened.user.email!, password: PASSWORD });
    const principal = { ...owner, sessionId: sessionOf(here.accessToken) };
    const body = { password: 'another long password', currentPassword: PASSWORD };
    await identity.call(usersUpdate, { principal, params: { id: owner.userId }, body });
    expect(await whoIs(opened.accessToken)).toBeNull();
    expect(await whoIs(here.accessToken)).not.toBeNull();
  });
});

it('returns the caller', async () => {
  const me = await identity.call(meGet, { principal: owner });
  expect(me).toEqual({ ...opened.user, accountId: opened.account.id });
});
