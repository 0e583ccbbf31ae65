import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  authStepUp,
  myApiTokensCreate,
  myRecoveryCodesCreate,
  myTotpConfirm,
  myTotpCreate,
  myTotpRemove,
  policyPut,
  usersDeactivate,
  usersReactivate,
  usersSignInMethodsReset,
  usersSuspend,
  usersTransfer,
  usersUpdate,
  type Principal,
} from '#libs/contracts';
import { sql } from 'kysely';
import { AppUsers, problemOf } from '../testing/app-users.js';
import { outcomeOf, ownerOf, PASSWORD, sessionOf, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let apps: AppUsers;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
  apps = new AppUsers(identity);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

describe('a proof of identity', () => {
  const prove = (principal: Principal, body: object) => identity.call(authStepUp, { principal, body });
  const change = (principal: Principal, body: object) =>
    outcomeOf(identity.call(usersUpdate, { principal, params: { id: principal.userId }, body }));
  const later = () => identity.clock.advance(601_000);

  it('is a code, and not the password alone, for users with a second factor', async () => {
    const ada = await apps.add(owner);
    later();
    const createToken = () =>
      outcomeOf(
        identity.call(myApiTokensCreate, { principal: ada.principal, body: { name: 'A', scopes: ['read' as const] } }),
      );
    expect(await createToken()).toBe('step-up-required');
    const refused = await problemOf(prove(ada.principal, { password: PASSWORD }));
    expect(refused).toMatchObject({ code: 'second-factor-required', details: { methods: ['totp', 'recovery-code'] } });
    expect(await createToken()).toBe('step-up-required');
    expect(await outcomeOf(prove(ada.principal, { totp: ada.code(7) }))).toBe('invalid-credentials');
    await prove(ada.principal, { totp: ada.code() });
    expect(await createToken()).toBe('ok');
    later();
    await prove(ada.principal, { recoveryCode: ada.recoveryCodes[0] });
    expect(await createToken()).toBe('ok');
  });

  it('is needed beside `currentPassword` for another address or password', async () => {
    const ada = await apps.add(owner, { roles: ['admin'] });
    later();
    const password = { password: 'another long password', currentPassword: PASSWORD };
    const address = { email: 'ada.elsewhere@example.com', currentPassword: PASSWORD };
    expect(await change(ada.principal, password)).toBe('step-up-required');
    expect(await change(ada.principal, address)).toBe('step-up-required');
    await prove(ada.principal, { totp: ada.code() });
    expect(await change(ada.principal, password)).toBe('ok');
  });

  it('is needed for every change of sign-in methods, which a token cannot make', async () => {
    const ada = await apps.add(owner);
    const calls = [
      (principal: Principal) => identity.call(myTotpCreate, { principal }),
      (principal: Principal) => identity.call(myTotpConfirm, { principal, body: { code: '123456' } }),
      (principal: Principal) => identity.call(myTotpRemove, { principal }),
      (principal: Principal) => identity.call(myRecoveryCodesCreate, { principal }),
    ];
    later();
    for (const call of calls) expect(await outcomeOf(call(ada.principal))).toBe('step-up-required');
    const { sessionId: _none, ...token } = ada.principal;
    for (const call of calls) expect(await outcomeOf(call(token))).toBe('step-up-required');
  });

  it('stays the password for users without a second factor', async () => {
    later();
    expect(await outcomeOf(prove(owner, { totp: '123456' }))).toBe('validation');
    expect(await outcomeOf(prove(owner, {}))).toBe('validation');
    expect(await outcomeOf(prove(owner, { password: 'a guess' }))).toBe('invalid-credentials');
    expect(await outcomeOf(prove(owner, { password: PASSWORD }))).toBe('ok');
  });
});

describe('the policy', () => {
  const put = (mfa: string, principal = owner) => identity.call(policyPut, { principal, body: { mfa: mfa as 'off' } });

  it('lets only owners with a recent proof decide', async () => {
    const admin = await identity.signedIn(await identity.aPerson(owner, { roles: ['admin'] }));
    expect(await outcomeOf(put('everybody', admin))).toBe('forbidden');
    expect((await put('managers')).mfa).toBe('managers');
    identity.clock.advance(601_000);
    expect(await outcomeOf(put('off'))).toBe('step-up-required');
  });

  it('gives users without a second factor sessions that can only set one up', async () => {
    const user = await identity.aUser(owner);
    const agent = { accountId: owner.accountId, userId: user.id, roles: user.roles };
    const manager = await identity.aUser(owner, { roles: ['admin'] });
    const signIn = (email: string) => apps.login({ email, password: PASSWORD });
    await put('managers');
    expect((await signIn(user.email!)).secondFactorMissing).toBeUndefined();
    expect((await signIn(manager.email!)).secondFactorMissing).toBe(true);
    await put('everybody');
    const restricted = await signIn(user.email!);
    expect(restricted.secondFactorMissing).toBe(true);
    const principal = { ...agent, sessionId: sessionOf(restricted.accessToken), secondFactorMissing: true as const };
    const { code } = await apps.setUp(principal);
    const next = await apps.login({ email: user.email!, password: PASSWORD, totp: code() });
    expect(next.secondFactorMissing).toBeUndefined();
    expect(await outcomeOf(identity.call(myTotpRemove, { principal }))).toBe('conflict');
    await put('managers');
    expect(await outcomeOf(identity.call(myTotpRemove, { principal }))).toBe('ok');
    expect((await signIn(user.email!)).user.id).toBe(user.id);
  });
});

describe('a second factor', () => {
  it('is reset by a manager: sessions end, and the password is enough', async () => {
    const ada = await apps.add(owner);
    const reset = (principal: Principal, id = ada.principal.userId) =>
      outcomeOf(identity.call(usersSignInMethodsReset, { principal, params: { id } }));
    const admin = await identity.signedIn(await identity.aPerson(owner, { roles: ['admin'] }));
    expect(await reset(ada.principal, owner.userId)).toBe('forbidden');
    expect(await reset(admin, owner.userId)).toBe('forbidden');
    expect(await reset(owner, owner.userId)).toBe('forbidden');
    expect(await reset(ownerOf(await identity.anAccount()))).toBe('not-found');
    identity.clock.advance(601_000);
    expect(await reset(admin)).toBe('step-up-required');
    await identity.call(authStepUp, { principal: admin, body: { password: PASSWORD } });
    const challenge = await ada.challenge();
    expect(await reset(admin)).toBe('ok');
    expect(await outcomeOf(apps.login({ challenge, totp: ada.code() }))).toBe('unauthenticated');
    expect(await outcomeOf(ada.login())).toBe('ok');
    const open = await identity.query(sql`
      select from session where id = ${ada.principal.sessionId} and revoked_at is null`);
    expect(open).toEqual([]);
    expect(await apps.actionsAbout(owner, ada.principal.userId)).toContain('sign-in-methods.reset');
  });

  it('lets nobody in who has left or is suspended, and stays for a return', async () => {
    const ada = await apps.add(owner);
    const params = { id: ada.principal.userId };
    const challenge = await ada.challenge();
    await identity.call(usersDeactivate, { principal: owner, params, body: {} });
    expect(await outcomeOf(apps.login({ challenge, totp: ada.code() }))).toBe('invalid-credentials');
    expect(await outcomeOf(ada.login({ totp: ada.code() }))).toBe('account-inactive');
    await identity.call(usersReactivate, { principal: owner, params, body: {} });
    expect(await outcomeOf(ada.login())).toBe('second-factor-required');
    expect(await outcomeOf(ada.login({ totp: ada.code() }))).toBe('ok');
    await identity.call(usersSuspend, { principal: owner, params });
    apps.nextStep();
    expect(await outcomeOf(ada.login({ totp: ada.code() }))).toBe('account-inactive');
  });

  it('is forgotten when another person takes the user over', async () => {
    const ada = await apps.add(owner);
    const challenge = await ada.challenge();
    const body = { name: 'Zoe', email: 'zoe.new@example.com', staffId: 'Z-9' };
    await identity.call(usersTransfer, { principal: owner, params: { id: ada.principal.userId }, body });
    expect(await outcomeOf(apps.login({ challenge, totp: ada.code() }))).toBe('unauthenticated');
    for (const table of ['totp', 'recovery_code', 'sign_in_challenge', 'passkey'])
      expect(
        await identity.query(sql`select from ${sql.table(table)} where user_id = ${ada.principal.userId}`),
      ).toEqual([]);
  });
});
