import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import type { Departure, DepartureRequest, Principal } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { ScheduleWorker } from './schedule.worker.js';

const CALLS = 'telephony.calls';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'crm' }));
  leaver = await identity.aPerson(owner);
  await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
});
afterAll(() => departures.stop());

const inDays = (days: number) => new Date(identity.clock.millis() + days * 86_400_000).toISOString();
const deactivate = (body: DepartureRequest) => departures.deactivate(owner, leaver.userId, body);
const daysPass = async (days: number) => {
  identity.clock.advanceDays(days);
  await identity.get(ScheduleWorker).drain();
};
/** The lines of the return from a departure. */
const restoredBy = ({ id }: Departure) =>
  eventually(async () => {
    const [back] = await identity.query<{ id: string }>(sql`
      select id from departure where returns_from = ${id} and status = 'completed'`);
    const { services } = await departures.get(owner, back!.id);
    return services.flatMap(({ rules }) => rules.filter((line) => line.rule === CALLS));
  });

describe('a scheduled return restores', () => {
  it.each<[string, DepartureRequest['restore'], object[], number]>([
    ['nothing by default', undefined, [], 0],
    ['what the request names', [CALLS], [{ action: 'restore', affected: 2 }], 2],
  ])('%s', async (_, restore, lines, owned) => {
    const left = await deactivate({ returnAt: inDays(3), restore });
    await departures.until(owner, left, 'completed');
    await daysPass(3);
    expect(await restoredBy(left)).toMatchObject(lines);
    expect(await departures.peer.owned(leaver.userId, 'call')).toBe(owned);
  });

  it('the same after a scheduled deactivation', async () => {
    const left = await deactivate({ effectiveAt: inDays(1), returnAt: inDays(3), restore: 'all' });
    await daysPass(1);
    await departures.until(owner, left, 'completed');
    await daysPass(2);
    expect(await restoredBy(left)).toMatchObject([{ action: 'restore', affected: 2 }]);
  });
});

it('`restore` names known rules and needs `returnAt`', async () => {
  expect(await outcomeOf(deactivate({ returnAt: inDays(1), restore: ['made.up'] }))).toBe('unknown-rule');
  expect(await outcomeOf(deactivate({ restore: 'all' }))).toBe('validation');
});
