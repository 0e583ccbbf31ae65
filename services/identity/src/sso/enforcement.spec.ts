import {
  authLogin,
  authStepUp,
  invitationsAccept,
  NOBODY,
  openBrowserSession,
  passwordResetConfirm,
  passwordResetRequest,
  ssoLookup,
  ssoPut,
  usersDeactivate,
  usersUpdate,
  type Principal,
  type SsoChange,
} from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { sha256 } from '../common/secrets.js';
import { outcomeOf, PASSWORD, type TestIdentity } from '../testing/identity.js';
import { DOMAIN, SingleSignOn } from '../testing/single-sign-on.js';

let sso: SingleSignOn;
let identity: TestIdentity;
let owner: Principal;
let second: Principal;
let admin: Principal;

beforeAll(async () => {
  sso = await SingleSignOn.start();
  ({ identity } = sso);
});
afterAll(() => sso?.stop());
beforeEach(async () => {
  await sso.anAccount();
  ({ owner } = sso);
  second = await identity.aPerson(owner, { roles: ['owner'] });
  admin = await identity.aPerson(owner, { roles: ['admin'] });
});

const put = (change: Partial<SsoChange>) =>
  identity.call(ssoPut, { principal: owner, body: { ...sso.client(), ...change } });
const enforce = () => put({ enforced: true, breakGlassOwnerId: second.userId });
const emailOf = async ({ userId }: Principal) =>
  (await identity.query(sql<{ email: string }>`select email from users where id = ${userId}`))[0]!.email;
const login = async (principal: Principal, password = PASSWORD) => {
  const body = { email: await emailOf(principal), password };
  const outcomes = [
    await outcomeOf(identity.call(authLogin, { principal: NOBODY, body })),
    await outcomeOf(identity.client.ask(openBrowserSession, body)),
  ];
  return [...new Set(outcomes)].join();
};

describe('enforced single sign-on', () => {
  it('refuses the right password of everybody but the break-glass owner, and reveals nothing with a wrong one', async () => {
    expect([await login(owner), await login(second), await login(admin)]).toEqual(['ok', 'ok', 'ok']);
    expect(await enforce()).toMatchObject({ enforced: true, breakGlassOwnerId: second.userId });
    expect([await login(owner), await login(second), await login(admin)]).toEqual([
      'sso-required',
      'ok',
      'sso-required',
    ]);
    expect(await login(admin, 'wrong')).toBe('invalid-credentials');
    const body = { email: `maya@${DOMAIN}` };
    expect(await identity.call(ssoLookup, { principal: NOBODY, body })).toMatchObject({ enforced: true });
    await put({ enforced: false });
    expect(await login(admin)).toBe('ok');
  });

  it('lets nobody reset, change or prove with a password, or accept an invitation with one', async () => {
    const session = await identity.signedIn(admin);
    const invited = await identity.aUser(owner, { password: undefined });
    const invitedOwner = await identity.aUser(owner, { password: undefined, roles: ['owner'] });
    await identity.query(sql`
      insert into password_reset (id, user_id, hash, created_at, expires_at)
      values (${admin.userId}, ${admin.userId}, ${sha256('from before')}, now(), now() + interval '1 hour')`);
    await enforce();
    const confirm = { token: 'from before', password: 'a new password' };
    const update = (body: object) =>
      identity.call(usersUpdate, { principal: session, params: { id: admin.userId }, body });
    const accept = ({ invitation }: typeof invited) =>
      identity.call(invitationsAccept, { principal: NOBODY, body: { token: invitation!.token, password: PASSWORD } });
    for (const call of [
      () => identity.call(passwordResetConfirm, { principal: NOBODY, body: confirm }),
      () => identity.call(authStepUp, { principal: session, body: { password: PASSWORD } }),
      () => update({ password: 'a new password', currentPassword: PASSWORD }),
      () => update({ email: 'other@example.com', currentPassword: PASSWORD }),
      () => accept(invited),
    ])
      expect(await outcomeOf(call())).toBe('sso-required');
    // Owners link the provider with the session that this begins.
    expect(await outcomeOf(accept(invitedOwner))).toBe('ok');
    await identity.query(sql`delete from password_reset`);
    for (const one of [admin, second])
      await identity.call(passwordResetRequest, { principal: NOBODY, body: { email: await emailOf(one) } });
    const resets = await identity.query(sql<{ user_id: string }>`select user_id from password_reset`);
    expect(resets.map(({ user_id }) => user_id)).toEqual([second.userId]);
  });

  it('needs a verified domain, and an owner who can sign in with a password', async () => {
    const change = { enforced: true, breakGlassOwnerId: second.userId };
    expect(await outcomeOf(put({ enforced: true }))).toBe('validation');
    expect(await outcomeOf(put({ ...change, breakGlassOwnerId: admin.userId }))).toBe('validation');
    expect(await outcomeOf(put({ ...change, domains: ['other.example.com'] }))).toBe('conflict');
    const { userId } = await identity.aPerson(owner, { roles: ['owner'] });
    await identity.query(sql`update users set password_hash = null where id = ${userId}`);
    expect(await outcomeOf(put({ ...change, breakGlassOwnerId: userId }))).toBe('validation');
  });

  it('lets every owner in with a password once the break-glass owner has left', async () => {
    await enforce();
    await identity.call(usersDeactivate, { principal: owner, params: { id: second.userId }, body: {} });
    expect([await login(owner), await login(second), await login(admin)]).toEqual([
      'ok',
      'account-inactive',
      'sso-required',
    ]);
  });
});
