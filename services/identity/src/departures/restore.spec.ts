import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { auditList, departureEvents, departuresRetry, type Departure, type Principal } from '#libs/contracts';
import { RetryWorker } from '#libs/lifecycle';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  leaver = await identity.aPerson(owner, { roles: ['admin'] });
  await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
  await departures.peer.give(owner.accountId, leaver.userId, 'record', 3);
});
afterAll(() => departures.stop());

const has = (kind: string) => departures.peer.owned(leaver.userId, kind);
const gone = async () => {
  const overrides = { 'telephony.records': 'transfer' as const };
  await departures.until(owner, await departures.deactivate(owner, leaver.userId, { overrides }), 'completed');
  expect([await has('call'), await has('record')]).toEqual([0, 0]);
};
const linesOf = ({ services }: Departure) => services.flatMap((service) => service.rules);

describe('a reactivation', () => {
  it('restores everything possible, and reports it in its receipts and progress', async () => {
    await gone();
    const back = await departures.until(
      owner,
      await departures.reactivate(owner, leaver.userId, { restore: 'all' }),
      'completed',
    );
    const restored = { transition: 'reactivated', action: 'restore', notRestored: 0, remaining: 0 };
    expect(linesOf(back).filter((line) => line.rule.startsWith('telephony.'))).toMatchObject([
      { rule: 'telephony.records', affected: 3, ...restored },
      { rule: 'telephony.calls', affected: 2, ...restored },
    ]);
    expect([await has('call'), await has('record')]).toEqual([2, 3]);
    const ask = { accountId: owner.accountId, departureId: back.id, after: 0 };
    const { events, final } = await identity.client.ask(departureEvents, ask);
    expect(final).toBe(true);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'rule',
        data: expect.objectContaining({ rule: 'telephony.calls', action: 'restore', affected: 2 }),
      }),
    );
  });

  it('of some rules does not undo others', async () => {
    await gone();
    const asked = await departures.reactivate(owner, leaver.userId, { restore: ['telephony.records'] });
    const back = await departures.until(owner, asked, 'completed');
    expect(linesOf(back).map((line) => line.rule)).toEqual(['telephony.records']);
    expect([await has('call'), await has('record')]).toEqual([0, 3]);
    const { items } = await identity.call(auditList, { principal: owner, query: { action: 'user.reactivated' } });
    expect(items).toMatchObject([{ detail: { departureId: back.id, restore: ['telephony.records'] } }]);
  });

  it.each([{}, { restore: 'none' as const }, { restore: [] }])('%j restores nothing', async (body) => {
    await gone();
    const back = await departures.until(owner, await departures.reactivate(owner, leaver.userId, body), 'completed');
    expect(linesOf(back)).toEqual([]);
    expect([await has('call'), await has('record')]).toEqual([0, 0]);
  });

  it('of an unknown rule is refused, and changes nothing', async () => {
    await gone();
    const restore = ['telephony.calls', 'telephony.fax'];
    expect(await outcomeOf(departures.reactivate(owner, leaver.userId, { restore }))).toBe('unknown-rule');
    expect(await outcomeOf(departures.reactivate(owner, leaver.userId))).toBe('ok');
  });

  it('reports for identity’s rules what is restored: caretakers are, sessions are not', async () => {
    const [ward, other] = [await identity.aUser(owner), await identity.aUser(owner)];
    const care = (userId: string, caretaker: string) =>
      identity.query(sql`update users set caretaker_id = ${caretaker} where id = ${userId}`);
    const caretakers = () =>
      identity.query<{ caretaker_id: string | null }>(
        sql`select caretaker_id from users where id in (${ward.id}, ${other.id}) order by id`,
      );
    for (const { id } of [ward, other]) await care(id, leaver.userId);
    await identity.aUser(leaver, { password: undefined });
    await gone();
    await care(other.id, owner.userId);
    const back = await departures.until(
      owner,
      await departures.reactivate(owner, leaver.userId, { restore: 'all' }),
      'completed',
    );
    const of = (rule: string) => linesOf(back).find((line) => line.rule === rule);
    expect(of('identity.caretakers')).toMatchObject({ affected: 1, notRestored: 1, warning: 'changed-since' });
    expect(of('identity.invitations')).toMatchObject({ affected: 0, notRestored: 1, warning: 'cannot-be-restored' });
    expect(of('identity.seat')).toMatchObject({ affected: 1, notRestored: 0 });
    expect((await caretakers()).map((row) => row.caretaker_id)).toEqual([leaver.userId, owner.userId]);
  });

  it('that has failed in a service restores rows when it is retried', async () => {
    await gone();
    // An undo record that cannot be applied.
    await departures.peer.query(sql`update undo set before = '0' where user_id = ${leaver.userId}`);
    const asked = await departures.reactivate(owner, leaver.userId, { restore: ['telephony.calls'] });
    await eventually(async () => {
      identity.clock.advance(3_600_001);
      await departures.peer.get(RetryWorker).drain();
      expect((await departures.get(owner, asked.id)).status).toBe('failed');
    });
    expect(await has('call')).toBe(0);
    await departures.peer.query(sql`update undo set before = null where user_id = ${leaver.userId}`);
    await identity.call(departuresRetry, { principal: owner, params: { id: asked.id } });
    await departures.until(owner, asked, 'completed');
    expect([await has('call'), await has('record')]).toEqual([2, 0]);
  });
});
