import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  caretakerEnd,
  caretakerPut,
  legalHoldLift,
  legalHoldPut,
  meGet,
  usersDeactivate,
  usersGet,
  usersList,
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
/** The user as this one reads them, alone and in a list. */
const seenBy = async (principal: Principal, id: string) => {
  const { items } = await identity.call(usersList, { principal, query: {} });
  return [
    await identity.call(usersGet, { principal, params: { id } }),
    await identity.call(meGet, { principal }),
    items.find((user) => user.id === id)!,
  ];
};
const assignCaretaker = (id: string, caretakerId: string, until?: string) =>
  identity.call(caretakerPut, { principal: owner, params: { id }, body: { caretakerId, until } });
/** Caretaker and end of care in each event. */
const publishedCare = async (id: string) => {
  const rows = await identity.query(sql<{ by: string | null; until: string | null }>`
    select event->'data'->'profile'->>'caretakerId' as by, event->'data'->'profile'->>'caretakerUntil' as until
    from outbox where user_id = ${id} order by seq`);
  return rows.map(({ by, until }) => [by, until]);
};

describe('a legal hold', () => {
  it('is published in the profile when it is set and when it is lifted', async () => {
    expect(await hold(owner, person.userId)).toMatchObject({ legalHold: true });
    await hold(owner, person.userId);
    await lift(person.userId);
    await lift(person.userId);
    const events = await identity.query(sql<{ held: string }>`
      select event->'data'->'profile'->>'legalHold' as held from outbox where user_id = ${person.userId} order by seq`);
    expect(events.map((row) => row.held)).toEqual(['false', 'true', 'false']);
  });

  it('shows its reason to managers, and agents see neither the hold nor the reason', async () => {
    expect(await hold(owner, person.userId)).toMatchObject({ legalHoldReason: 'Smith v. Acme' });
    expect(await get(person.userId)).toMatchObject({ legalHold: true, legalHoldReason: 'Smith v. Acme' });
    for (const seen of await seenBy(person, person.userId)) {
      expect(seen.legalHold).toBe(false);
      expect(seen).not.toHaveProperty('legalHoldReason');
    }
    await lift(person.userId);
    expect(await get(person.userId)).not.toHaveProperty('legalHoldReason');
  });

  it('can be set on a deleted user, whose delayed deletions then wait', async () => {
    await identity.query(sql`update users set status = 'deleted' where id = ${person.userId}`);
    expect(await outcomeOf(hold(owner, person.userId))).toBe('ok');
  });

  it('can be set by managers, and on an owner only by owners', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    expect(await outcomeOf(hold(admin, person.userId))).toBe('ok');
    expect(await outcomeOf(hold(admin, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(hold(person, admin.userId))).toBe('forbidden');
  });

  it('can be set concurrently by two admins on each other', async () => {
    const [one, two] = [
      await identity.aPerson(owner, { roles: ['admin'] }),
      await identity.aPerson(owner, { roles: ['admin'] }),
    ];
    const calls = Array.from({ length: 10 }, (_, n) => (n % 2 ? hold(one, two.userId) : hold(two, one.userId)));
    expect(await tally(calls)).toEqual({ ok: 10 });
  });
});

describe('a caretaker', () => {
  it('is shown until the care is ended or expires', async () => {
    const carer = await identity.aPerson(owner);
    const until = new Date(identity.clock.millis() + 60_000).toISOString();
    const care = { caretakerId: carer.userId, caretakerUntil: until };
    expect(await assignCaretaker(person.userId, carer.userId, until)).toMatchObject(care);
    expect(await get(person.userId)).toMatchObject(care);
    for (const seen of await seenBy(person, person.userId)) {
      expect(seen.caretakerId).toBe(carer.userId);
      expect(seen).not.toHaveProperty('caretakerUntil');
    }
    identity.clock.advance(60_001);
    expect(await get(person.userId)).toMatchObject({ caretakerId: null });
    expect(await get(person.userId)).not.toHaveProperty('caretakerUntil');
    expect(await assignCaretaker(person.userId, carer.userId)).toMatchObject({ caretakerId: carer.userId });
    await identity.call(caretakerEnd, { principal: owner, params: { id: person.userId } });
    expect(await get(person.userId)).toMatchObject({ caretakerId: null });
  });

  it('must be another active user of the same account', async () => {
    const invited = await identity.aUser(owner, { password: undefined });
    const gone = await identity.aUser(owner);
    await identity.query(sql`update users set status = 'deactivated' where id = ${gone.id}`);
    const stranger = await identity.anAccount();
    expect(await outcomeOf(assignCaretaker(person.userId, invited.id))).toBe('inactive-user');
    expect(await outcomeOf(assignCaretaker(person.userId, gone.id))).toBe('inactive-user');
    expect(await outcomeOf(assignCaretaker(person.userId, stranger.user.id))).toBe('unknown-user');
    expect(await outcomeOf(assignCaretaker(person.userId, person.userId))).toBe('validation');
  });

  it('cannot be set with an end in the past or for a deleted user', async () => {
    expect(await outcomeOf(assignCaretaker(person.userId, owner.userId, '2020-01-01T00:00:00Z'))).toBe('validation');
    await identity.query(sql`update users set status = 'deleted' where id = ${person.userId}`);
    expect(await outcomeOf(assignCaretaker(person.userId, owner.userId))).toBe('conflict');
  });

  it('is published in the profile of the user cared for when the care starts, ends, or the caretaker leaves', async () => {
    const carer = await identity.aPerson(owner);
    const until = new Date(identity.clock.millis() + 3_600_000).toISOString();
    await assignCaretaker(person.userId, carer.userId, until);
    await identity.call(caretakerEnd, { principal: owner, params: { id: person.userId } });
    await assignCaretaker(person.userId, carer.userId);
    await identity.call(usersDeactivate, { principal: owner, params: { id: carer.userId }, body: {} });
    expect(await publishedCare(person.userId)).toEqual([
      [null, null],
      [carer.userId, until],
      [null, null],
      [carer.userId, null],
      [null, null],
    ]);
  });

  it('is removed, published and recorded when the care expires', async () => {
    const carer = await identity.aPerson(owner);
    const until = new Date(identity.clock.millis() + 60_000).toISOString();
    await assignCaretaker(person.userId, carer.userId, until);
    identity.clock.advance(60_001);
    identity.get(CareEndsWorker).wake();
    await eventually(async () =>
      expect(await publishedCare(person.userId)).toEqual([
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
