import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { auditList, departureEvents, DEPARTURE_STATUSES, type Departure, type Principal } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../testing/departures.js';
import { ownerOf, type TestIdentity } from '../../testing/identity.js';
import { DepartureStore } from './departure-store.js';
import { announcementOf } from './transitions.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let scheduled: Departure;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  const leaver = await identity.aPerson(owner);
  const effectiveAt = new Date(identity.clock.millis() + 86_400_000).toISOString();
  scheduled = await departures.deactivate(owner, leaver.userId, { effectiveAt });
});
afterAll(() => departures.stop());

const transition = (...args: Parameters<DepartureStore['transition']>) =>
  identity.transaction(() => identity.get(DepartureStore).transition(...args));
const newsOf = (id: string) =>
  identity.query<{ type: string }>(sql`select type from departure_news where departure_id = ${id} order by type`);
const trailOf = async (action: string) =>
  (await identity.call(auditList, { principal: owner, query: { action, subjectId: scheduled.userId } })).items;

describe('a status transition', () => {
  it('changes the status and writes progress, notification and audit entry', async () => {
    const by = { actorId: owner.userId };
    const [change] = await transition([scheduled.id], ['scheduled'], 'cancelled', { by });
    expect(change).toMatchObject({ id: scheduled.id, before: 'scheduled', status: 'cancelled' });
    expect((await departures.get(owner, scheduled.id)).status).toBe('cancelled');
    const request = { accountId: owner.accountId, departureId: scheduled.id, after: 0 };
    const { events, final } = await identity.client.ask(departureEvents, request);
    expect(events).toEqual([
      expect.objectContaining({ type: 'departure', data: expect.objectContaining({ status: 'cancelled' }) }),
    ]);
    expect(final).toBe(true);
    expect((await newsOf(scheduled.id)).map(({ type }) => type)).toEqual([
      'departure.cancelled',
      'departure.scheduled',
    ]);
    await eventually(async () => expect(await trailOf('departure.cancelled')).toHaveLength(1));
  });

  it('skips departures in another status', async () => {
    expect(await transition([scheduled.id], ['running', 'failed'], 'superseded')).toEqual([]);
    expect((await departures.get(owner, scheduled.id)).status).toBe('scheduled');
  });

  it('that is not allowed throws and changes nothing', async () => {
    await expect(transition([scheduled.id], ['scheduled'], 'completed')).rejects.toThrow();
    expect((await departures.get(owner, scheduled.id)).status).toBe('scheduled');
  });
});

it('cancelled and superseded are final', () => {
  for (const to of DEPARTURE_STATUSES) {
    expect(() => announcementOf('cancelled', to)).toThrow(TypeError);
    expect(() => announcementOf('superseded', to)).toThrow(TypeError);
  }
});
