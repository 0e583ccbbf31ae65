import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  caretakerEnd,
  caretakerPut,
  legalHoldLift,
  legalHoldPut,
  usersDeactivate,
  usersGet,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { outcomeOf, ownerOf, tally, TestIdentity } from '../testing/identity.js';
import { CareEndsWorker } from './care-ends.worker.js';

let identity: TestIdentity;
let owner: Principal;
let person: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  person = await identity.aPerson(owner);
});
afterAll(() => identity.stop());

const hold = (by: Principal, id: string) =>
  identity.call(legalHoldPut, { principal: by, params: { id }, body: { reason: 'Smith v. Acme' } });
const lift = (id: string) => identity.call(legalHoldLift, { principal: owner, params: { id } });
const get = (id: string) => identity.call(usersGet, { principal: owner, params: { id } });
const entrust = (id: string, caretakerId: string, until?: string) =>
  identity.call(caretakerPut, { principal: owner, params: { id }, body: { caretakerId, until } });
/** Caretaker and end, event by event. */
const careToldOf = async (id: string) => {
  const rows = await identity.query(sql<{ by: string | null; until: string | null }>`
    select event->'data'->'profile'->>'caretakerId' as by, event->'data'->'profile'->>'caretakerUntil' as until
    from outbox where user_id = ${id} order by seq`);
  return rows.map(({ by, until }) => [by, until]);
};

describe('a legal hold', () => {
  it('travels in the profile, when it is set and when it is lifted', async () => {
    expect(await hold(owner, person.userId)).toMatchObject({ legalHold: true });
    await hold(owner, person.userId);
    await lift(person.userId);
    await lift(person.userId);
    const events = await identity.query(sql<{ held: string }>`
      select event->'data'->'profile'->>'legalHold' as held from outbox where user_id = ${person.userId} order by seq`);
    expect(events.map((row) => row.held)).toEqual(['false', 'true', 'false']);
  });

  it('is possible for a deleted user, whose delayed deletions then wait', async () => {
    await identity.query(sql`update users set status = 'deleted' where id = ${person.userId}`);
    expect(await outcomeOf(hold(owner, person.userId))).toBe('ok');
  });

  it('is set by managers, on an owner by owners', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    expect(await outcomeOf(hold(admin, person.userId))).toBe('ok');
    expect(await outcomeOf(hold(admin, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(hold(person, admin.userId))).toBe('forbidden');
  });

  it('set on each other by two admins at once succeeds for both', async () => {
    const [one, two] = [
      await identity.aPerson(owner, { roles: ['admin'] }),
      await identity.aPerson(owner, { roles: ['admin'] }),
    ];
    const calls = Array.from({ length: 10 }, (_, n) => (n % 2 ? hold(one, two.userId) : hold(two, one.userId)));
    expect(await tally(calls)).toEqual({ ok: 10 });
  });
});

describe('a caretaker', () => {
  it('is shown until it ends or its time is up', async () => {
    const carer = await identity.aPerson(owner);
    const until = new Date(identity.clock.millis() + 60_000).toISOString();
    expect(await entrust(person.userId, carer.userId, until)).toMatchObject({ caretakerId: carer.userId });
    identity.clock.advance(60_001);
    expect(await get(person.userId)).toMatchObject({ caretakerId: null });
    expect(await entrust(person.userId, carer.userId)).toMatchObject({ caretakerId: carer.userId });
    await identity.call(caretakerEnd, { principal: owner, params: { id: person.userId } });
    expect(await get(person.userId)).toMatchObject({ caretakerId: null });
  });

  it('is an active user of the same account, and somebody else', async () => {
    const invited = await identity.aUser(owner, { password: undefined });
    const gone = await identity.aUser(owner);
    await identity.query(sql`update users set status = 'deactivated' where id = ${gone.id}`);
    const stranger = await identity.anAccount();
    expect(await outcomeOf(entrust(person.userId, invited.id))).toBe('inactive-user');
    expect(await outcomeOf(entrust(person.userId, gone.id))).toBe('inactive-user');
    expect(await outcomeOf(entrust(person.userId, stranger.user.id))).toBe('unknown-user');
    expect(await outcomeOf(entrust(person.userId, person.userId))).toBe('validation');
  });

  it('is not set until a time that is over, nor for a deleted user', async () => {
    expect(await outcomeOf(entrust(person.userId, owner.userId, '2020-01-01T00:00:00Z'))).toBe('validation');
    await identity.query(sql`update users set status = 'deleted' where id = ${person.userId}`);
    expect(await outcomeOf(entrust(person.userId, owner.userId))).toBe('conflict');
  });

  it('is told of in the profile of the one cared for: when it begins, when it ends, and when the caretaker leaves', async () => {
    const carer = await identity.aPerson(owner);
    const until = new Date(identity.clock.millis() + 3_600_000).toISOString();
    await entrust(person.userId, carer.userId, until);
    await identity.call(caretakerEnd, { principal: owner, params: { id: person.userId } });
    await entrust(person.userId, carer.userId);
    await identity.call(usersDeactivate, { principal: owner, params: { id: carer.userId }, body: {} });
    expect(await careToldOf(person.userId)).toEqual([
      [null, null],
      [carer.userId, until],
      [null, null],
      [carer.userId, null],
      [null, null],
    ]);
  });

  it('is taken back, told and recorded once the time is up', async () => {
    const carer = await identity.aPerson(owner);
    const until = new Date(identity.clock.millis() + 60_000).toISOString();
    await entrust(person.userId, carer.userId, until);
    identity.clock.advance(60_001);
    identity.get(CareEndsWorker).wake();
    await eventually(async () =>
      expect(await careToldOf(person.userId)).toEqual([
        [null, null],
        [carer.userId, until],
        [null, null],
      ]),
    );
    const rows = await identity.query(
      sql`select from users where caretaker_until is not null or caretaker_id is not null`,
    );
    expect(rows.length).toBe(0);
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: person.userId } });
    expect(items[0]).toMatchObject({ action: 'caretaker.ended', system: 'system (care)' });
  });
});
