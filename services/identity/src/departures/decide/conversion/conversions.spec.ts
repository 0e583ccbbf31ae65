import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  departuresRetry,
  legalHoldPut,
  usersConvert,
  usersGet,
  type ConversionRequest,
  type Principal,
  type User,
} from '#libs/contracts';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, tally, type TestIdentity } from '../../../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: User;
let member: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'texting' }));
  leaver = await identity.aUser(owner);
  member = await identity.aPerson(owner);
});
afterAll(() => departures.stop());

const convert = (more: Partial<ConversionRequest> = {}, by = owner, id = leaver.id) =>
  identity.call(usersConvert, {
    principal: by,
    params: { id },
    body: { name: 'Front desk', memberIds: [member.userId], ...more },
  });
const eventsOf = (id: string) =>
  identity.query(sql<{ conversion: object | null }>`
    select event->'data'->'departure'->'conversion' as conversion from outbox where user_id = ${id} order by seq desc`);

describe('converting a user to a shared inbox', () => {
  it('is a deletion whose event describes the inbox', async () => {
    await departures.peer.pause();
    const departure = await convert({ name: ' Front desk ' });
    expect(departure).toMatchObject({ userId: leaver.id, transition: 'deleted', status: 'running' });
    expect(departure.inboxId).toMatch(/^[0-9a-f-]{36}$/);
    const conversion = { inboxId: departure.inboxId, name: 'Front desk', memberIds: [member.userId] };
    expect((await eventsOf(leaver.id))[0]).toEqual({ conversion });
    await departures.peer.start();
    expect(await departures.until(owner, departure, 'completed')).toMatchObject({ inboxId: departure.inboxId });
    const user = await identity.call(usersGet, { principal: owner, params: { id: leaver.id } });
    expect(user).toMatchObject({ status: 'deleted', name: 'Deleted user' });
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: leaver.id } });
    expect(items.map(({ action }) => action)).toEqual(expect.arrayContaining(['user.converted', 'user.deleted']));
  });

  it('publishes the same inbox again in a retry', async () => {
    await departures.peer.pause();
    const { id, inboxId } = await convert();
    await identity.query(
      sql`update departure_service set status = 'failed' where departure_id = ${id} and service = 'telephony'`,
    );
    await identity.query(sql`update departure set status = 'failed' where id = ${id}`);
    await identity.call(departuresRetry, { principal: owner, params: { id } });
    expect((await eventsOf(leaver.id))[0]!.conversion).toMatchObject({ inboxId, name: 'Front desk' });
    await departures.peer.start();
  });

  it('requires members who are active users of the account and not the leaver', async () => {
    const [gone, invited] = [await identity.aUser(owner), await identity.aUser(owner, { password: undefined })];
    await departures.deactivate(owner, gone.id);
    const { user: stranger } = await identity.anAccount();
    expect(await outcomeOf(convert({ memberIds: [member.userId, gone.id] }))).toBe('inactive-user');
    expect(await outcomeOf(convert({ memberIds: [invited.id] }))).toBe('inactive-user');
    expect(await outcomeOf(convert({ memberIds: [member.userId, stranger.id] }))).toBe('unknown-user');
    expect(await outcomeOf(convert({ memberIds: [leaver.id] }))).toBe('validation');
    expect(await outcomeOf(convert({ name: '  ' }))).toBe('validation');
    expect(await outcomeOf(convert())).toBe('ok');
  });

  it('checks the guards of a deletion', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    expect(await outcomeOf(convert({}, member))).toBe('forbidden');
    expect(await outcomeOf(convert({}, admin, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(convert({}, owner, owner.userId))).toBe('sole-owner');
    await identity.call(legalHoldPut, { principal: owner, params: { id: leaver.id }, body: { reason: 'A case' } });
    expect(await outcomeOf(convert())).toBe('legal-hold');
    const crm = ownerOf(await identity.anAccount({ preset: 'crm' }));
    const [one, other] = [await identity.aUser(crm), await identity.aUser(crm)];
    expect(await outcomeOf(convert({ memberIds: [other.id] }, crm, one.id))).toBe('not-deactivated');
    await departures.deactivate(crm, one.id);
    expect(await outcomeOf(convert({ memberIds: [other.id] }, crm, one.id))).toBe('ok');
    expect(await outcomeOf(convert({ memberIds: [other.id] }, crm, one.id))).toBe('conflict');
  });

  it('is not blocked by assigned numbers, unlike a deletion, because they stay in use', async () => {
    const calls = ownerOf(await identity.anAccount({ preset: 'calls' }));
    const [one, other] = [await identity.aUser(calls), await identity.aUser(calls)];
    await departures.peer.give(calls.accountId, one.id, 'number');
    expect(await outcomeOf(departures.delete(calls, one.id))).toBe('numbers-assigned');
    expect(await outcomeOf(convert({ memberIds: [other.id] }, calls, one.id))).toBe('ok');
  });

  it('happens once for concurrent requests, and a member cannot leave in between', async () => {
    const calls = [...Array.from({ length: 4 }, () => convert()), departures.deactivate(owner, leaver.id)];
    const outcomes = await tally(calls);
    expect(outcomes.ok).toBeGreaterThanOrEqual(1);
    expect(Object.keys(outcomes).filter((code) => !['ok', 'conflict'].includes(code))).toEqual([]);
    const deletions = await identity.query(
      sql`select from departure where user_id = ${leaver.id} and transition = 'deleted'`,
    );
    expect(deletions).toHaveLength(1);
  });
});
