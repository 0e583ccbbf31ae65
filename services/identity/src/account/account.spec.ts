import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { accountGet, accountUpdate, meGet, NOBODY, usersInvite } from '#libs/contracts';
import { outcomeOf, ownerOf, tally, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.stop());

describe('opening an account', () => {
  it('creates an active owner and signs them in', async () => {
    const opened = await identity.anAccount({
      name: 'Acme',
      owner: { name: 'Olive', email: 'Olive@example.com', staffId: 'O-1' },
    });
    expect(opened.user).toMatchObject({
      name: 'Olive',
      email: 'Olive@example.com',
      staffId: 'O-1',
      roles: ['owner'],
      teamIds: [],
      status: 'active',
      lifecycleVersion: 1,
      deactivatedAt: null,
      deletedAt: null,
      legalHold: false,
      managerId: null,
      caretakerId: null,
    });
    expect(opened.expiresIn).toBe(300);
    expect(await identity.call(meGet, { principal: ownerOf(opened) })).toEqual({
      ...opened.user,
      accountId: opened.account.id,
    });
  });

  it('defaults to 25 seats and the preset crm', async () => {
    const plain = await identity.anAccount();
    expect(plain.account).toMatchObject({
      preset: 'crm',
      seats: { total: 25, used: 1, free: 24 },
      retentionDays: 0,
      redactionLabel: 'plain',
    });
    const other = await identity.anAccount({ preset: 'calls', seats: 3 });
    expect(other.account).toMatchObject({ preset: 'calls', seats: { total: 3, used: 1, free: 2 } });
  });

  it('publishes the owner in an event with seq 1', async () => {
    const opened = await identity.anAccount();
    const events = await identity.query(
      sql<{ event: object }>`select event from outbox where user_id = ${opened.user.id}`,
    );
    expect(events).toHaveLength(1);
    expect(events[0]!.event).toMatchObject({
      specversion: '1.0',
      type: 'user.created',
      subject: `user.created.${opened.account.id}.${opened.user.id}`,
      data: { seq: 1, lifecycleVersion: 1, profile: { name: opened.user.name, status: 'active', isManager: true } },
    });
  });

  it('creates nothing if a name is blank', async () => {
    const call = identity.anAccount({ owner: { name: '   ', email: 'blank@example.com' } });
    expect(await outcomeOf(call)).toBe('validation');
    expect(await identity.query(sql`select from users where email = 'blank@example.com'`)).toHaveLength(0);
  });
});

describe('changing an account', () => {
  it('a manager can change all settings, and the answer contains them', async () => {
    const owner = ownerOf(await identity.anAccount());
    const body = {
      name: 'Zenith',
      preset: 'texting',
      seats: 40,
      retentionDays: 30,
      redactionLabel: 'with-id',
    } as const;
    const changed = await identity.call(accountUpdate, { principal: owner, body });
    expect(changed).toMatchObject({ ...body, seats: { total: 40, used: 1, free: 39 } });
    expect(await identity.call(accountGet, { principal: owner })).toEqual(changed);
  });

  it('an agent cannot, even with a token that still contains the role admin', async () => {
    const owner = ownerOf(await identity.anAccount());
    const agent = await identity.aPerson(owner);
    const call = identity.call(accountUpdate, { principal: { ...agent, roles: ['admin'] }, body: { name: 'Mine' } });
    expect(await outcomeOf(call)).toBe('forbidden');
  });

  it('the number of seats cannot go below those in use', async () => {
    const owner = ownerOf(await identity.anAccount());
    await identity.aUser(owner);
    expect(await outcomeOf(identity.call(accountUpdate, { principal: owner, body: { seats: 1 } }))).toBe('conflict');
    expect(await outcomeOf(identity.call(accountUpdate, { principal: owner, body: { seats: 2 } }))).toBe('ok');
  });

  it('a new preset raises the version of the policy', async () => {
    const owner = ownerOf(await identity.anAccount());
    const version = () =>
      identity.query(sql<{ policy_version: number }>`select policy_version from account where id = ${owner.accountId}`);
    await identity.call(accountUpdate, { principal: owner, body: { preset: 'crm', name: 'Same' } });
    expect(await version()).toEqual([{ policy_version: 1 }]);
    await identity.call(accountUpdate, { principal: owner, body: { preset: 'helpdesk' } });
    expect(await version()).toEqual([{ policy_version: 2 }]);
  });

  it('a new label for deleted users is published for each of them', async () => {
    const owner = ownerOf(await identity.anAccount());
    const { id } = await identity.aUser(owner);
    await identity.query(
      sql`update users set status = 'deleted', name = null, email = null, staff_id = null where id = ${id}`,
    );
    await identity.call(accountUpdate, { principal: owner, body: { redactionLabel: 'with-id' } });
    const events = await identity.query(
      sql<{ event: object }>`select event from outbox where user_id = ${id} order by seq`,
    );
    expect(events.map((row) => row.event)).toMatchObject([
      { type: 'user.created' },
      { type: 'user.updated', data: { seq: 2, profile: { name: null, staffId: null, redactionLabel: 'with-id' } } },
    ]);
  });
});

describe('seats', () => {
  it('with one free seat, one of 20 concurrent invitations succeeds', async () => {
    const owner = ownerOf(await identity.anAccount({ seats: 2 }));
    const invite = (n: number) =>
      identity.call(usersInvite, {
        principal: owner,
        body: { name: 'R', email: `r${n}@example.com`, staffId: `R${n}` },
      });
    expect(await tally(Array.from({ length: 20 }, (_, n) => invite(n)))).toEqual({ 'no-free-seat': 19, ok: 1 });
    expect((await identity.call(accountGet, { principal: owner })).seats).toEqual({ total: 2, used: 2, free: 0 });
  });

  it('are used by invited users, but not by users who have left', async () => {
    const owner = ownerOf(await identity.anAccount({ seats: 2 }));
    const { id } = await identity.aUser(owner, { password: undefined });
    expect(await outcomeOf(identity.aUser(owner))).toBe('no-free-seat');
    await identity.query(sql`update users set status = 'deactivated', seat_taken = false where id = ${id}`);
    expect(await outcomeOf(identity.aUser(owner))).toBe('ok');
  });
});

it('an unknown account is not found', async () => {
  const principal = { ...ownerOf(await identity.anAccount()), accountId: NOBODY.accountId };
  expect(await outcomeOf(identity.call(accountGet, { principal }))).toBe('not-found');
  expect(await outcomeOf(identity.call(accountGet, { principal: NOBODY }))).toBe('unauthenticated');
});
