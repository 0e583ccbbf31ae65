import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  authenticate,
  authLogin,
  authRefresh,
  emailChangeConfirm,
  invitationsAccept,
  myApiTokensCreate,
  NOBODY,
  passwordResetConfirm,
  passwordResetRequest,
  SCOPES,
  usersDeactivate,
  usersDelete,
  usersGet,
  usersList,
  usersReactivate,
  usersResume,
  usersSessionsEnd,
  usersSuspend,
  usersTransfer,
  usersUpdate,
  type Principal,
} from '#libs/contracts';
import { outcomeOf, ownerOf, PASSWORD, tally, TestIdentity } from '../testing/identity.js';
import { Provider } from '../testing/provider.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

const call = (operation: typeof usersSuspend, id: string, principal: Principal = owner) =>
  identity.call(operation, { principal, params: { id } });
const suspend = (id: string, by?: Principal) => call(usersSuspend, id, by);
const resume = (id: string, by?: Principal) => call(usersResume, id, by);
const endSessions = (id: string, by: Principal = owner) =>
  identity.call(usersSessionsEnd, { principal: by, params: { id } });
const get = (id: string, by: Principal = owner) => identity.call(usersGet, { principal: by, params: { id } });
const decide = (operation: typeof usersDeactivate, id: string) =>
  identity.call(operation, { principal: owner, params: { id } });
const login = (email: string, password = PASSWORD) =>
  identity.call(authLogin, { principal: NOBODY, body: { email, password } });
const refresh = (refreshToken: string) => identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } });
const whoIs = (token: string) => identity.client.ask(authenticate, { token });
const actionsAbout = async (subjectId: string) =>
  (await identity.call(auditList, { principal: owner, query: { subjectId } })).items.map(({ action }) => action);

/** A user with a session and an API token. */
async function signedInUser(roles: ('admin' | 'agent')[] = ['agent']) {
  const { id, email } = await identity.aUser(owner, { roles });
  const session = await login(email!);
  const principal = await identity.signedIn({ accountId: owner.accountId, userId: id, roles });
  const { token } = await identity.call(myApiTokensCreate, {
    principal,
    body: { name: 'Script', scopes: [...SCOPES] },
  });
  return { id, email: email!, principal, ...session, apiToken: token };
}

describe('a suspended user', () => {
  it('is let in by no session, refresh token, API token or password, and keeps status, roles and seat', async () => {
    const user = await signedInUser();
    const before = await get(user.id);
    const suspended = await suspend(user.id);
    expect(suspended).toEqual({ ...before, suspendedAt: expect.any(String) });
    expect([await whoIs(user.accessToken), await whoIs(user.apiToken)]).toEqual([null, null]);
    expect(await outcomeOf(refresh(user.refreshToken))).toBe('unauthenticated');
    expect(await outcomeOf(login(user.email))).toBe('account-inactive');
    expect(await actionsAbout(user.id)).toContain('user.suspended');
  });

  it('gets the answers of a deactivated one, with the right password and with a wrong one', async () => {
    const [one, other] = [await identity.aUser(owner), await identity.aUser(owner)];
    await suspend(one.id);
    await decide(usersDeactivate, other.id);
    for (const password of [PASSWORD, 'not the password']) {
      const [mine, theirs] = await Promise.all(
        [one, other].map(({ email }) =>
          login(email!, password).catch((problem: { toBody(): object }) => problem.toBody()),
        ),
      );
      expect(mine).toEqual(theirs);
    }
  });

  it('is resumed with the API tokens, but without the sessions', async () => {
    const user = await signedInUser();
    await suspend(user.id);
    expect((await resume(user.id)).suspendedAt).toBeNull();
    expect(await whoIs(user.apiToken)).toMatchObject({ userId: user.id });
    expect(await whoIs(user.accessToken)).toBeNull();
    expect(await outcomeOf(refresh(user.refreshToken))).toBe('unauthenticated');
    expect(await whoIs((await login(user.email)).accessToken)).toMatchObject({ userId: user.id });
    expect(await actionsAbout(user.id)).toContain('user.resumed');
  });

  it('can use no reset token, neither one from before nor a new one, also after the end of the suspension', async () => {
    const { id, email } = await identity.aUser(owner);
    const request = () => identity.call(passwordResetRequest, { principal: NOBODY, body: { email: email! } });
    const resets = () => identity.query(sql<{ id: string }>`select id from password_reset where user_id = ${id}`);
    await request();
    expect(await resets()).toHaveLength(1);
    await suspend(id);
    await request();
    expect(await resets()).toEqual([]);
    const body = { token: 'of before', password: 'another long password' };
    expect(await outcomeOf(identity.call(passwordResetConfirm, { principal: NOBODY, body }))).toBe('gone');
  });

  it('cannot confirm an address that they asked for before', async () => {
    const { principal, id } = await signedInUser(['admin']);
    await identity.call(usersUpdate, { principal, params: { id }, body: { email: `new-${id}@example.com` } });
    await identity.query(sql`update email_change set hash = sha256('the token') where user_id = ${id}`);
    await suspend(id);
    await resume(id);
    const confirmed = identity.call(emailChangeConfirm, { principal: NOBODY, body: { token: 'the token' } });
    expect(await outcomeOf(confirmed)).toBe('gone');
  });

  it('who is invited can accept the invitation only after the end of the suspension', async () => {
    const { id, invitation } = await identity.aUser(owner, { password: undefined });
    const accept = () =>
      identity.call(invitationsAccept, { principal: NOBODY, body: { token: invitation!.token, password: PASSWORD } });
    await suspend(id);
    expect(await outcomeOf(accept())).toBe('gone');
    await resume(id);
    expect(await outcomeOf(accept())).toBe('ok');
  });

  it('has made SCIM tokens that are refused until the end of the suspension', async () => {
    const creator = await identity.signedIn(await identity.aPerson(owner, { roles: ['owner'] }));
    const provider = await Provider.of(identity, creator);
    await suspend(creator.userId);
    expect(await outcomeOf(provider.users.search({}))).toBe('unauthenticated');
    await resume(creator.userId);
    expect(await outcomeOf(provider.users.search({}))).toBe('ok');
  });

  it('is shown as suspended to managers only, who can list such users', async () => {
    const [user, agent] = [await identity.aUser(owner), await identity.aPerson(owner)];
    const { suspendedAt } = await suspend(user.id);
    expect((await get(user.id)).suspendedAt).toBe(suspendedAt);
    expect((await get(user.id, agent)).suspendedAt).toBeNull();
    const list = (suspended: boolean, principal = owner) =>
      identity.call(usersList, { principal, query: { suspended } });
    expect((await list(true)).items.map(({ id }) => id)).toEqual([user.id]);
    expect((await list(false)).items.map(({ id }) => id)).not.toContain(user.id);
    expect(await outcomeOf(list(true, agent))).toBe('forbidden');
  });

  it('is published with the profile, so that subscribers can end what they have opened', async () => {
    const { id } = await identity.aUser(owner);
    const { suspendedAt } = await suspend(id);
    await resume(id);
    const events = await identity.query(sql<{ type: string; suspended: string | null }>`
      select event->>'type' as type, event->'data'->'profile'->>'suspendedAt' as suspended
      from outbox where user_id = ${id} order by seq`);
    expect(events).toEqual([
      { type: 'user.created', suspended: null },
      { type: 'user.updated', suspended: suspendedAt },
      { type: 'user.updated', suspended: null },
    ]);
  });

  it('can be suspended and resumed again without a further effect', async () => {
    const { id } = await identity.aUser(owner);
    const first = await suspend(id);
    identity.clock.advance(1_000);
    expect(await suspend(id)).toEqual(first);
    await resume(id);
    await resume(id);
    expect((await actionsAbout(id)).filter((action) => /suspended|resumed/.test(action))).toHaveLength(2);
  });

  it.each([
    ['deactivated', usersDeactivate],
    ['deleted', usersDelete],
  ] as const)('can be %s, which ends the suspension', async (status, operation) => {
    owner = ownerOf(await identity.anAccount({ preset: 'texting' }));
    const { id } = await identity.aUser(owner);
    await suspend(id);
    await decide(operation, id);
    expect(await get(id)).toMatchObject({ status, suspendedAt: null });
    expect(await outcomeOf(suspend(id))).toBe('inactive-user');
    expect(await outcomeOf(resume(id))).toBe('inactive-user');
  });

  it('is let in by a reactivation', async () => {
    const { id, email } = await identity.aUser(owner);
    await suspend(id);
    await decide(usersDeactivate, id);
    await identity.call(usersReactivate, { principal: owner, params: { id } });
    expect(await get(id)).toMatchObject({ status: 'active', suspendedAt: null });
    expect(await outcomeOf(login(email!))).toBe('ok');
  });

  it('can be taken over by another person, who is not suspended', async () => {
    const { id } = await identity.aUser(owner);
    await suspend(id);
    const body = { name: 'Another', email: `another-${id}@example.com`, staffId: `A-${id}` };
    await identity.call(usersTransfer, { principal: owner, params: { id }, body });
    expect((await get(id)).suspendedAt).toBeNull();
  });
});

describe('who may suspend whom', () => {
  it('managers suspend others, admins no owners, and agents nobody', async () => {
    const [admin, agent] = [await identity.aPerson(owner, { roles: ['admin'] }), await identity.aPerson(owner)];
    const caller = await identity.aPerson(owner);
    const second = await identity.aPerson(owner, { roles: ['owner'] });
    for (const operation of [suspend, resume, endSessions]) {
      expect(await outcomeOf(operation(second.userId, admin))).toBe('forbidden');
      expect(await outcomeOf(operation(admin.userId, caller))).toBe('forbidden');
      expect(await outcomeOf(operation(agent.userId, ownerOf(await identity.anAccount())))).toBe('not-found');
      expect(await outcomeOf(operation(agent.userId, admin))).toBe('ok');
    }
    expect(await outcomeOf(suspend(second.userId))).toBe('ok');
    expect(await outcomeOf(suspend(owner.userId))).toBe('forbidden');
  });

  it('a suspended manager does nothing any more, also with a token from before', async () => {
    const [admin, agent] = [await identity.aPerson(owner, { roles: ['admin'] }), await identity.aUser(owner)];
    await suspend(admin.userId);
    expect(await outcomeOf(suspend(agent.id, admin))).toBe('unauthenticated');
  });

  it('an owner who can sign in stays: two who suspend each other, and the deactivation of the other one', async () => {
    const second = await identity.aPerson(owner, { roles: ['owner'] });
    const both = [suspend(second.userId, owner), suspend(owner.userId, second)];
    expect(await tally(both)).toEqual({ ok: 1, unauthenticated: 1 });
    const [left] = await identity.query(sql<{ id: string }>`
      select id from users where account_id = ${owner.accountId} and suspended_at is null`);
    const survivor = { ...owner, userId: left!.id };
    const deactivated = identity.call(usersDeactivate, { principal: survivor, params: { id: survivor.userId } });
    expect(await outcomeOf(deactivated)).toBe('sole-owner');
  });

  it('the last owner who can sign in stays, even if another owner suspends them', async () => {
    const admin = await identity.aPerson(owner, { roles: ['owner'] });
    await identity.query(sql`update users set password_hash = null where id = ${admin.userId}`);
    expect(await outcomeOf(suspend(owner.userId, admin))).toBe('sole-owner');
  });
});

describe('the sessions of a user', () => {
  it('are ended by a manager; the user can sign in again, and API tokens stay', async () => {
    const user = await signedInUser();
    await endSessions(user.id);
    expect(await whoIs(user.accessToken)).toBeNull();
    expect(await outcomeOf(refresh(user.refreshToken))).toBe('unauthenticated');
    expect(await whoIs(user.apiToken)).toMatchObject({ userId: user.id });
    expect(await outcomeOf(login(user.email))).toBe('ok');
    expect(await actionsAbout(user.id)).toContain('sessions.ended');
  });
});
