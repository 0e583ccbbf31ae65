import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { departuresList, usersGet, type DepartureRequest, type Principal } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { ScheduleWorker } from './schedule.worker.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  leaver = await identity.aPerson(owner);
});
afterAll(() => departures.stop());

const inDays = (days: number) => new Date(identity.clock.millis() + days * 86_400_000).toISOString();
const statusOf = async ({ userId }: Principal) =>
  (await identity.call(usersGet, { principal: owner, params: { id: userId } })).status;
const returnsOf = async () => {
  const { items } = await identity.call(departuresList, { principal: owner, query: { userId: leaver.userId } });
  return items.filter((one) => one.transition === 'reactivated');
};
/** Moves the clock and runs the due scheduled departures. */
async function after(days: number): Promise<void> {
  identity.clock.advanceDays(days);
  identity.get(ScheduleWorker).wake();
  const due = sql`select from departure where status = 'scheduled' and effective_at <= ${identity.clock.now()}`;
  await eventually(async () => expect(await identity.query(due)).toEqual([]));
}

describe('a leave of absence', () => {
  it('ends with a reactivation when due', async () => {
    const returnAt = inDays(30);
    const left = await departures.deactivate(owner, leaver.userId, { returnAt });
    expect(left).toMatchObject({ transition: 'deactivated', returnAt });
    const [comingBack] = await returnsOf();
    expect(comingBack).toMatchObject({ status: 'scheduled', effectiveAt: returnAt, returnsFrom: left.id });
    await after(29);
    expect(await statusOf(leaver)).toBe('deactivated');
    await after(1);
    expect(await statusOf(leaver)).toBe('active');
    await departures.until(owner, comingBack!, 'completed');
  });

  it('can start in the future', async () => {
    await departures.deactivate(owner, leaver.userId, { effectiveAt: inDays(1), returnAt: inDays(2) });
    expect(await returnsOf()).toEqual([]);
    await after(1.1);
    expect(await statusOf(leaver)).toBe('deactivated');
    expect(await returnsOf()).toMatchObject([{ status: 'scheduled' }]);
    await after(1);
    expect(await statusOf(leaver)).toBe('active');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['is back earlier', () => departures.reactivate(owner, leaver.userId)],
    ['is deleted', () => departures.delete(owner, leaver.userId)],
  ])('who %s is not brought back by the system', async (_, overtake) => {
    await departures.deactivate(owner, leaver.userId, { returnAt: inDays(3) });
    const [comingBack] = await returnsOf();
    await overtake();
    expect((await departures.get(owner, comingBack!.id)).status).toBe('cancelled');
    const before = await statusOf(leaver);
    await after(4);
    expect(await statusOf(leaver)).toBe(before);
  });

  it('needs a free seat at its end', async () => {
    await departures.deactivate(owner, leaver.userId, { returnAt: inDays(3) });
    await identity.query(sql`update account set seats = 1 where id = ${owner.accountId}`);
    await after(3);
    expect(await returnsOf()).toMatchObject([{ status: 'failed', error: 'no-free-seat' }]);
    expect(await statusOf(leaver)).toBe('deactivated');
  });

  it('must end after its start, and is not possible with a deletion', async () => {
    const leave = (body: DepartureRequest) => outcomeOf(departures.deactivate(owner, leaver.userId, body));
    expect(await leave({ returnAt: inDays(-1) })).toBe('validation');
    expect(await leave({ effectiveAt: inDays(2), returnAt: inDays(1) })).toBe('validation');
    expect(await outcomeOf(departures.delete(owner, leaver.userId, { returnAt: inDays(1) }))).toBe('validation');
  });
});
