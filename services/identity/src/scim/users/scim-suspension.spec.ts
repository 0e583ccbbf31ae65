import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  auditList,
  authLogin,
  departuresApprove,
  departuresList,
  departuresRefuse,
  NOBODY,
  policyPut,
  usersDeactivate,
  usersGet,
  usersResume,
  usersSuspend,
  type Principal,
} from '#libs/contracts';
import { outcomeOf, ownerOf, PASSWORD, TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';

let identity: TestIdentity;
let owner: Principal;
let provider: Provider;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  provider = await Provider.of(identity, owner);
});
afterAll(() => identity.stop());

const choose = (scimInactive: 'deactivate' | 'suspend') =>
  identity.call(policyPut, { principal: owner, body: { scimInactive } });
const get = (id: string) => identity.call(usersGet, { principal: owner, params: { id } });
/** The user after the request; undefined if it was refused. */
const set = (id: string, active: boolean) => provider.users.change(id, [{ op: 'replace', value: { active } }]);
const by = (operation: typeof usersSuspend, id: string) =>
  identity.call(operation, { principal: owner, params: { id } });
const login = (email: string) =>
  outcomeOf(identity.call(authLogin, { principal: NOBODY, body: { email, password: PASSWORD } }));
const found = async (filter: string) =>
  (await provider.users.search({ filter })).resources.map(({ id }) => id as string);
const trailOf = async (subjectId: string) =>
  (await identity.call(auditList, { principal: owner, query: { subjectId } })).items.map(
    ({ action, system }) => `${action} by ${system ?? 'a user'}`,
  );

describe('an account whose policy suspends', () => {
  beforeEach(() => choose('suspend'));

  it('suspends a user with `active: false` and resumes them with `active: true`, without a departure', async () => {
    const { id, email } = await identity.aUser(owner);
    const before = await provider.users.get(id);
    const after = await set(id, false);
    expect(after.active).toBe(false);
    expect(after.meta.version).not.toBe(before.meta.version);
    expect(await get(id)).toMatchObject({ status: 'active', suspendedAt: expect.any(String) });
    expect(await login(email!)).toBe('account-inactive');
    expect([await found('active eq false'), await found(`active eq true and id eq "${id}"`)]).toEqual([[id], []]);
    expect((await set(id, false)).meta.version).toBe(after.meta.version);

    expect((await set(id, true)).active).toBe(true);
    expect(await get(id)).toMatchObject({ status: 'active', suspendedAt: null });
    expect(await login(email!)).toBe('ok');
    expect((await identity.call(departuresList, { principal: owner, query: { userId: id } })).items).toEqual([]);
    expect(await trailOf(id)).toEqual(
      expect.arrayContaining(['user.suspended by system (scim)', 'user.resumed by system (scim)']),
    );
  });

  it('suspends with PUT, creates suspended users, and resumes with another POST for the same user', async () => {
    const person = { userName: 'pat@example.com', externalId: 'X-1', active: false };
    const { id } = await provider.users.create(person);
    expect(await get(id)).toMatchObject({ status: 'invited', suspendedAt: expect.any(String) });
    expect(await provider.users.create({ ...person, active: true })).toMatchObject({ id, active: true });
    expect((await provider.users.replace(id, person)).active).toBe(false);
    expect(await get(id)).toMatchObject({ status: 'invited', suspendedAt: expect.any(String) });
  });

  it('shows and resumes users whom a manager has suspended, and reactivates those who have been deactivated', async () => {
    const [one, other] = [await identity.aUser(owner), await identity.aUser(owner)];
    await by(usersSuspend, one.id);
    await identity.call(usersDeactivate, { principal: owner, params: { id: other.id } });
    for (const { id } of [one, other]) {
      expect((await provider.users.get(id)).active).toBe(false);
      expect((await set(id, true)).active).toBe(true);
      expect(await get(id)).toMatchObject({ status: 'active', suspendedAt: null });
    }
  });

  it('suspends owners, except the last one, whose sessions end; and resumes none of them', async () => {
    const second = await identity.aUser(owner, { roles: ['owner'] });
    expect((await set(second.id, false)).active).toBe(false);
    expect(await set(second.id, true)).toBeUndefined();
    expect((await get(second.id)).suspendedAt).not.toBeNull();
    expect(await set(owner.userId, false)).toBeUndefined();
    expect((await get(owner.userId)).suspendedAt).toBeNull();
    expect(await trailOf(owner.userId)).toContain('sessions.ended by system (scim)');
    await by(usersResume, second.id);
    expect((await provider.users.get(second.id)).active).toBe(true);
  });

  it('deletes a user with DELETE as before', async () => {
    const texting = ownerOf(await identity.anAccount({ preset: 'texting' }));
    await identity.call(policyPut, { principal: texting, body: { scimInactive: 'suspend' } });
    const { id } = await identity.aUser(texting);
    await (await Provider.of(identity, texting)).users.remove(id);
    const gone = await identity.call(usersGet, { principal: texting, params: { id } });
    expect(gone).toMatchObject({ status: 'deleted', suspendedAt: null });
  });
});

describe('an account whose policy deactivates', () => {
  it('does not show suspensions to the provider, whose `active: true` lifts none', async () => {
    const { id } = await identity.aUser(owner);
    await by(usersSuspend, id);
    expect((await set(id, true)).active).toBe(true);
    expect((await get(id)).suspendedAt).not.toBeNull();
    await set(id, false);
    expect(await get(id)).toMatchObject({ status: 'deactivated', suspendedAt: null });
  });

  it('is every account until a manager changes the policy, which is recorded', async () => {
    expect(await choose('suspend')).toMatchObject({ scimInactive: 'suspend', version: 2 });
    expect(await identity.call(policyPut, { principal: owner, body: { preset: 'crm' } })).toMatchObject({
      scimInactive: 'suspend',
    });
    const { items } = await identity.call(auditList, { principal: owner, query: { action: 'policy.changed' } });
    expect(items.at(-1)!.detail).toMatchObject({
      from: { scimInactive: 'deactivate' },
      to: { scimInactive: 'suspend' },
    });
  });
});

describe('an account in which deletions by identity providers wait', () => {
  let admin: Principal;
  let second: Principal;
  beforeEach(async () => {
    owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
    provider = await Provider.of(identity, owner);
    admin = await identity.aPerson(owner, { roles: ['admin'] });
    second = await identity.aPerson(owner, { roles: ['admin'] });
    await identity.call(policyPut, { principal: owner, body: { approvals: { scim: 'wait' } } });
  });

  const waitingOf = async (userId: string) => {
    const query = { userId, status: 'awaiting-approval' as const };
    return (await identity.call(departuresList, { principal: owner, query })).items;
  };
  const approve = (id: string, principal: Principal) =>
    identity.call(departuresApprove, { principal, params: { id }, body: {} });

  it('lets the user in nowhere at once, and deletes them when a manager approves it', async () => {
    const { id, email } = await identity.aUser(owner);
    expect(await provider.users.remove(id)).toEqual({});
    expect(await get(id)).toMatchObject({ status: 'active', suspendedAt: expect.any(String) });
    expect(await login(email!)).toBe('account-inactive');
    const [waiting] = await waitingOf(id);
    expect(waiting).toMatchObject({ requestedBy: null, approval: { neededFor: ['scim'], requestedBy: null } });
    expect(await provider.users.remove(id)).toEqual({});
    expect(await waitingOf(id)).toHaveLength(1);
    // The creator of the token could have sent the request.
    expect(await outcomeOf(approve(waiting!.id, owner))).toBe('own-request');
    expect(await approve(waiting!.id, admin)).toMatchObject({ status: 'running' });
    expect(await get(id)).toMatchObject({ status: 'deleted' });
  });

  it('keeps the user suspended when a manager refuses, until somebody resumes them', async () => {
    const { id } = await identity.aUser(owner);
    await provider.users.remove(id);
    const [waiting] = await waitingOf(id);
    const body = { reason: 'Still needed' };
    await identity.call(departuresRefuse, { principal: second, params: { id: waiting!.id }, body });
    expect(await get(id)).toMatchObject({ status: 'active', suspendedAt: expect.any(String) });
    await by(usersResume, id);
    expect(await get(id)).toMatchObject({ suspendedAt: null });
  });

  it('waits for deactivated users, too, and for nobody’s deactivation', async () => {
    const { id } = await identity.aUser(owner);
    expect((await set(id, false)).active).toBe(false);
    expect(await get(id)).toMatchObject({ status: 'deactivated' });
    await provider.users.remove(id);
    expect(await waitingOf(id)).toHaveLength(1);
    expect(await get(id)).toMatchObject({ status: 'deactivated' });
  });

  it('refuses what its guards refuse', async () => {
    expect(await provider.users.remove(owner.userId)).toMatchObject({ refused: { code: 'sole-owner' } });
    expect(await waitingOf(owner.userId)).toEqual([]);
  });
});
