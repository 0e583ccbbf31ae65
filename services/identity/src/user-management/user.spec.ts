import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  teamsCreate,
  usersGet,
  usersInvite,
  usersList,
  usersUpdate,
  type Principal,
  type UserChange,
  type UserQuery,
} from '#libs/contracts';
import { outcomeOf, ownerOf, PASSWORD, tally, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

const update = (principal: Principal, id: string, body: UserChange) =>
  identity.call(usersUpdate, { principal, params: { id }, body });
const get = (principal: Principal, id: string) => identity.call(usersGet, { principal, params: { id } });
const eventsOf = (id: string) =>
  identity.query(sql<{ type: string; seq: number; profile: object }>`
    select event->>'type' as type, seq::float8, event->'data'->'profile' as profile from outbox where user_id = ${id} order by seq`);

describe('inviting', () => {
  it('without a password creates an invited agent and an invitation', async () => {
    const body = { name: ' Ann ', email: 'ann@example.com', staffId: ' 7 ' };
    const user = await identity.call(usersInvite, { principal: owner, body });
    expect(user).toMatchObject({ name: 'Ann', staffId: '7', status: 'invited', roles: ['agent'], lifecycleVersion: 1 });
    expect(user.invitation?.token).toMatch(/^[\w-]{43}$/);
  });

  it('with a password creates an active user, without an invitation', async () => {
    const user = await identity.aUser(owner, { roles: ['admin', 'agent'] });
    expect(user).toMatchObject({ status: 'active', roles: ['admin', 'agent'] });
    expect(user.invitation).toBeUndefined();
  });

  it('refuses an email, ignoring case, or a staff id that another user of the account has', async () => {
    await identity.aUser(owner, { email: 'twice@example.com', staffId: 'twice' });
    expect(await outcomeOf(identity.aUser(owner, { email: 'TWICE@example.com' }))).toBe('duplicate-email');
    expect(await outcomeOf(identity.aUser(owner, { staffId: 'twice' }))).toBe('duplicate-staff-id');
    const elsewhere = ownerOf(await identity.anAccount());
    expect(await outcomeOf(identity.aUser(elsewhere, { email: 'twice@example.com', staffId: 'twice' }))).toBe('ok');
  });

  it('succeeds for one of 20 concurrent calls with the same email', async () => {
    const calls = Array.from({ length: 20 }, () => identity.aUser(owner, { email: 'same@example.com' }));
    expect(await tally(calls)).toEqual({ 'duplicate-email': 19, ok: 1 });
  });

  it('admins cannot invite owners, and agents cannot invite anyone', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const agent = await identity.aPerson(owner);
    expect(await outcomeOf(identity.aUser(admin, { roles: ['owner'] }))).toBe('forbidden');
    expect(await outcomeOf(identity.aUser(admin, { roles: ['admin'] }))).toBe('ok');
    expect(await outcomeOf(identity.aUser(agent))).toBe('forbidden');
  });

  it('accepts only teams of the account', async () => {
    const team = await identity.call(teamsCreate, { principal: owner, body: { name: 'Sales' } });
    const foreign = await identity.call(teamsCreate, {
      principal: ownerOf(await identity.anAccount()),
      body: { name: 'Sales' },
    });
    expect((await identity.aUser(owner, { teamIds: [team.id] })).teamIds).toEqual([team.id]);
    expect(await outcomeOf(identity.aUser(owner, { teamIds: [team.id, foreign.id] }))).toBe('unknown-reference');
  });
});

describe('listing', () => {
  const names = async (query: UserQuery) =>
    (await identity.call(usersList, { principal: owner, query })).items.map((user) => user.name);

  it('shows active and invited users by default, newest first', async () => {
    const [gone, erased] = [
      await identity.aUser(owner, { name: 'Gone' }),
      await identity.aUser(owner, { name: 'Erased' }),
    ];
    await identity.aUser(owner, { name: 'Invited', password: undefined });
    await identity.query(sql`update users set status = 'deactivated' where id = ${gone.id}`);
    await identity.query(sql`update users set status = 'deleted', name = null where id = ${erased.id}`);
    const { name } = await get(owner, owner.userId);
    expect(await names({})).toEqual(['Invited', name]);
    expect(await names({ status: 'deactivated' })).toEqual(['Gone']);
    expect(await names({ status: 'deleted' })).toEqual(['Deleted user']);
    expect(await names({ status: 'all' })).toEqual(['Invited', 'Deleted user', 'Gone', name]);
  });

  it('finds parts of name, email or staff id, and takes wildcards literally', async () => {
    await identity.aUser(owner, { name: 'Zoë Quill', email: 'zq@example.org', staffId: '100%' });
    await identity.aUser(owner, { name: 'Other', email: 'other@example.org', staffId: '1000' });
    expect(await names({ q: 'quill' })).toEqual(['Zoë Quill']);
    expect(await names({ q: 'ZQ@' })).toEqual(['Zoë Quill']);
    expect(await names({ q: '00%' })).toEqual(['Zoë Quill']);
  });

  it('continues where the previous page ended, and filters by role', async () => {
    for (let n = 0; n < 4; n++) await identity.aUser(owner, { roles: ['admin'] });
    const query: UserQuery = { role: 'admin', limit: 3 };
    const first = await identity.call(usersList, { principal: owner, query });
    const second = await identity.call(usersList, { principal: owner, query: { ...query, cursor: first.nextCursor! } });
    expect([first.items.length, second.items.length, second.nextCursor]).toEqual([3, 1, null]);
    expect(new Set([...first.items, ...second.items].map((user) => user.id)).size).toBe(4);
  });
});

describe('changing', () => {
  it('a manager can change all fields, and a change raises seq once and is published', async () => {
    const team = await identity.call(teamsCreate, { principal: owner, body: { name: 'Support' } });
    const { id } = await identity.aUser(owner);
    const body: UserChange = {
      name: 'New Name',
      email: 'new@example.com',
      staffId: 'N1',
      avatarUrl: 'https://example.com/a.png',
      roles: ['admin'],
      teamIds: [team.id],
    };
    expect(await update(owner, id, body)).toMatchObject(body);
    expect(await eventsOf(id)).toMatchObject([
      { type: 'user.created', seq: 1 },
      {
        type: 'user.updated',
        seq: 2,
        profile: { name: 'New Name', staffId: 'N1', isManager: true, teamIds: [team.id] },
      },
    ]);
  });

  it('a change without effect publishes no event', async () => {
    const user = await identity.aUser(owner);
    await update(owner, user.id, { name: user.name, roles: user.roles, teamIds: [] });
    expect(await eventsOf(user.id)).toHaveLength(1);
  });

  it('agents can change only their own name and picture', async () => {
    const agent = await identity.aPerson(owner);
    const other = await identity.aPerson(owner);
    expect(await outcomeOf(update(agent, agent.userId, { name: 'Me', avatarUrl: null }))).toBe('ok');
    for (const change of [
      { email: 'x@example.com' },
      { staffId: 'x' },
      { roles: ['admin'] },
      { teamIds: [] },
    ] as UserChange[]) {
      expect(await outcomeOf(update(agent, agent.userId, change))).toBe('forbidden');
    }
    expect(await outcomeOf(update(agent, other.userId, { name: 'You' }))).toBe('forbidden');
    expect(await outcomeOf(get(agent, other.userId))).toBe('ok');
  });

  it('an admin can neither change an owner nor make a user an owner', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    expect(await outcomeOf(update(admin, owner.userId, { name: 'Low' }))).toBe('forbidden');
    expect(await outcomeOf(update(admin, admin.userId, { roles: ['owner'] }))).toBe('forbidden');
  });

  it('a user of another account is not found', async () => {
    const stranger = ownerOf(await identity.anAccount());
    expect(await outcomeOf(update(stranger, owner.userId, { name: 'Mine' }))).toBe('not-found');
    expect(await outcomeOf(get(stranger, owner.userId))).toBe('not-found');
  });

  it('refuses the email or staff id of another user, an empty list of roles, and a deleted user', async () => {
    const taken = await identity.aUser(owner);
    const { id } = await identity.aUser(owner);
    expect(await outcomeOf(update(owner, id, { email: taken.email!.toUpperCase() }))).toBe('duplicate-email');
    expect(await outcomeOf(update(owner, id, { staffId: taken.staffId! }))).toBe('duplicate-staff-id');
    expect(await outcomeOf(update(owner, id, { roles: [] }))).toBe('validation');
    await identity.query(sql`update users set status = 'deleted' where id = ${id}`);
    expect(await outcomeOf(update(owner, id, { name: 'Back' }))).toBe('conflict');
  });

  it('changing the own password requires the current one, and the password of others cannot be changed', async () => {
    const agent = await identity.signedIn(await identity.aPerson(owner));
    const password = 'another long password';
    expect(await outcomeOf(update(owner, agent.userId, { password, currentPassword: PASSWORD }))).toBe('forbidden');
    expect(await outcomeOf(update(agent, agent.userId, { password }))).toBe('validation');
    expect(await outcomeOf(update(agent, agent.userId, { password, currentPassword: PASSWORD }))).toBe('ok');
    expect(await outcomeOf(update(agent, agent.userId, { password, currentPassword: PASSWORD }))).toBe('validation');
  });
});

describe('the manager of a user', () => {
  it('is set and removed by managers, and the trail says so', async () => {
    const boss = await identity.aUser(owner);
    const { id } = await identity.aUser(owner);
    expect(await update(owner, id, { managerId: boss.id })).toMatchObject({ managerId: boss.id });
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: id } });
    expect(items[0]).toMatchObject({ detail: { managerId: { from: null, to: boss.id } } });
    expect(await update(owner, id, { managerId: null })).toMatchObject({ managerId: null });
  });

  it('is another user of the account who has not left, and not set by agents', async () => {
    const agent = await identity.aPerson(owner);
    const gone = await identity.aUser(owner);
    await identity.query(sql`update users set status = 'deactivated' where id = ${gone.id}`);
    const stranger = ownerOf(await identity.anAccount());
    const outcome = (managerId: string, by = owner) => outcomeOf(update(by, agent.userId, { managerId }));
    expect(await outcome(agent.userId)).toBe('validation');
    expect(await outcome(gone.id)).toBe('inactive-user');
    expect(await outcome(stranger.userId)).toBe('unknown-user');
    expect(await outcome(owner.userId, agent)).toBe('forbidden');
  });
});

describe('a deleted user', () => {
  it('is shown without personal details, with the account’s label as name', async () => {
    const { id } = await identity.aUser(owner);
    await identity.query(sql`update users set status = 'deleted' where id = ${id}`);
    expect(await get(owner, id)).toMatchObject({ name: 'Deleted user', email: null, staffId: null, avatarUrl: null });
    await identity.query(sql`update account set redaction_label = 'with-id' where id = ${owner.accountId}`);
    expect((await get(owner, id)).name).toBe(`Deleted user, ID${id.slice(0, 8)}`);
  });

  it('does not block their email and staff id for a new user', async () => {
    const { id, email, staffId } = await identity.aUser(owner);
    await identity.query(sql`update users set status = 'deleted', email = null, staff_id = null where id = ${id}`);
    expect(await outcomeOf(identity.aUser(owner, { email: email!, staffId: staffId! }))).toBe('ok');
  });
});
