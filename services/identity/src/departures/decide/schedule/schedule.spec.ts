import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  departureEvents,
  departuresCancel,
  departuresRetry,
  legalHoldPut,
  policyPut,
  usersGet,
  type Departure,
  type DepartureRequest,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { affectedBy, TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { ScheduleWorker } from './schedule.worker.js';

const DAY = 86_400_000;

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

const inDays = (days: number) => new Date(identity.clock.millis() + days * DAY).toISOString();
const statusOf = async ({ userId }: Principal) =>
  (await identity.call(usersGet, { principal: owner, params: { id: userId } })).status;
const cancel = (id: string, principal = owner) => identity.call(departuresCancel, { principal, params: { id } });
const audited = async (action: string) =>
  (await identity.call(auditList, { principal: owner, query: { action, subjectId: leaver.userId } })).items;
/** Moves the clock and runs the due scheduled departures. */
async function after(days: number): Promise<void> {
  identity.clock.advanceDays(days);
  identity.get(ScheduleWorker).wake();
  const due = sql`select from departure where status = 'scheduled' and effective_at <= ${identity.clock.now()}`;
  await eventually(async () => expect(await identity.query(due)).toEqual([]));
}
const tomorrow = (body: DepartureRequest = {}): Promise<Departure> =>
  departures.deactivate(owner, leaver.userId, { effectiveAt: inDays(1), ...body });

describe('a scheduled departure', () => {
  it('keeps the user active until it is due', async () => {
    await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
    const effectiveAt = inDays(1);
    const scheduled = await tomorrow({ effectiveAt, reason: 'Contract ends' });
    expect(scheduled).toMatchObject({ status: 'scheduled', effectiveAt, reason: 'Contract ends', services: [] });
    await after(0.9);
    expect(await statusOf(leaver)).toBe('active');
    await after(0.2);
    expect(await statusOf(leaver)).toBe('deactivated');
    const departure = await departures.until(owner, scheduled, 'completed');
    expect(departure).toMatchObject({ effectiveAt, requestedBy: owner.userId, reason: 'Contract ends' });
    expect(affectedBy(departure)).toMatchObject({ 'telephony.calls deactivated': 2 });
    expect(await audited('user.deactivated')).toMatchObject([{ actor: { id: owner.userId } }]);
  });

  it('has live progress from the time it was scheduled', async () => {
    const { id } = await tomorrow();
    const ask = () => identity.client.ask(departureEvents, { accountId: owner.accountId, departureId: id, after: 0 });
    expect(await ask()).toEqual({ events: [], final: false });
    await after(1);
    await eventually(async () => expect((await ask()).final).toBe(true));
  });

  it.each([
    ['the past', -1],
    ['this very moment', 0],
  ])('is refused when it is in %s', async (_, days) => {
    expect(await outcomeOf(tomorrow({ effectiveAt: inDays(days) }))).toBe('validation');
  });

  it('uses the policy at the time it is due, with successors and overrides of the request', async () => {
    for (const kind of ['call', 'record']) await departures.peer.give(owner.accountId, leaver.userId, kind, 2);
    const scheduled = await tomorrow({ successors: { 'telephony.records': owner.userId } });
    const overrides = { 'telephony.calls': { deactivated: 'keep' as const } };
    await identity.call(policyPut, { principal: owner, body: { overrides } });
    await after(1);
    const { services } = await departures.until(owner, scheduled, 'completed');
    expect(services[1]!.rules).toMatchObject([
      { rule: 'telephony.records', action: 'transfer', transferredTo: owner.userId },
      { rule: 'telephony.calls', action: 'keep' },
    ]);
  });

  it('transfers to the first admin, with a warning, if the successor has left', async () => {
    await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
    const successor = await identity.aPerson(owner);
    const scheduled = await tomorrow({ successors: { 'telephony.calls': successor.userId } });
    await departures.until(owner, await departures.deactivate(owner, successor.userId), 'completed');
    await after(1);
    const { services } = await departures.until(owner, scheduled, 'completed');
    expect(services[1]!.rules).toContainEqual(
      expect.objectContaining({ rule: 'telephony.calls', transferredTo: owner.userId, warning: 'successor-has-left' }),
    );
  });

  it('runs on behalf of the account if the requester has left', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const scheduled = await departures.deactivate(admin, leaver.userId, { effectiveAt: inDays(1) });
    await departures.deactivate(owner, admin.userId);
    await after(1);
    expect(await departures.until(owner, scheduled, 'completed')).toMatchObject({ requestedBy: admin.userId });
    expect(await audited('user.deactivated')).toMatchObject([{ actor: null, system: 'system (departure)' }]);
  });

  it('prevents a second one for the same user', async () => {
    await tomorrow();
    expect(await outcomeOf(tomorrow({ effectiveAt: inDays(2) }))).toBe('conflict');
    const both = await Promise.all(
      [1, 2].map(async () => {
        const other = await identity.aPerson(owner);
        const ask = () => outcomeOf(departures.deactivate(owner, other.userId, { effectiveAt: inDays(1) }));
        return (await Promise.all([ask(), ask()])).sort();
      }),
    );
    expect(both).toEqual([
      ['conflict', 'ok'],
      ['conflict', 'ok'],
    ]);
  });

  it('is superseded by an immediate one', async () => {
    const scheduled = await tomorrow();
    await departures.deactivate(owner, leaver.userId);
    expect((await departures.get(owner, scheduled.id)).status).toBe('superseded');
    await after(1);
    expect((await departures.get(owner, scheduled.id)).status).toBe('superseded');
  });

  it('is refused for the last owner and for an unknown successor', async () => {
    const effectiveAt = inDays(1);
    expect(await outcomeOf(departures.deactivate(owner, owner.userId, { effectiveAt }))).toBe('sole-owner');
    const successors = { default: leaver.userId };
    expect(await outcomeOf(tomorrow({ successors }))).toBe('invalid-successor');
    expect(await outcomeOf(departures.deactivate(leaver, owner.userId, { effectiveAt }))).toBe('forbidden');
  });
});

it('an invalid date is refused', async () => {
  for (const effectiveAt of ['2030-W05-2T10:00:00Z', '+012030-01-01T00:00:00Z', 'soon'])
    expect(await outcomeOf(tomorrow({ effectiveAt }))).toBe('validation');
});

describe('a due departure fails if a guard refuses it:', () => {
  const failed = async (scheduled: Departure) => {
    await after(1);
    const departure = await departures.get(owner, scheduled.id);
    expect(departure.status).toBe('failed');
    expect(await audited('departure.refused')).toHaveLength(1);
    return departure;
  };

  it('for the last owner', async () => {
    const other = await identity.aPerson(owner, { roles: ['owner'] });
    leaver = other;
    const scheduled = await tomorrow();
    await identity.query(sql`update users set password_hash = null where id = ${owner.userId}`);
    expect(await failed(scheduled)).toMatchObject({ error: 'sole-owner', errorDetail: expect.any(String) });
    expect(await statusOf(other)).toBe('active');
  });

  it('for a deletion under legal hold; a new one can be requested', async () => {
    const scheduled = await departures.delete(owner, leaver.userId, { effectiveAt: inDays(1) });
    const hold = { principal: owner, params: { id: leaver.userId }, body: { reason: 'Case 12' } };
    await identity.call(legalHoldPut, hold);
    expect(await failed(scheduled)).toMatchObject({ error: 'legal-hold', services: [] });
    const retry = identity.call(departuresRetry, { principal: owner, params: { id: scheduled.id } });
    expect(await outcomeOf(retry)).toBe('conflict');
    expect(await outcomeOf(tomorrow())).toBe('ok');
  });

  it('for assigned numbers under calls', async () => {
    const scheduled = await departures.delete(owner, leaver.userId, { effectiveAt: inDays(1) });
    await identity.call(policyPut, { principal: owner, body: { preset: 'calls' } });
    await departures.peer.give(owner.accountId, leaver.userId, 'number');
    expect(await failed(scheduled)).toMatchObject({ error: 'numbers-assigned' });
  });

  it('without affecting other departures of that day', async () => {
    const scheduled = await departures.delete(owner, leaver.userId, { effectiveAt: inDays(1) });
    const other = await identity.aPerson(owner);
    const good = await departures.delete(owner, other.userId, { effectiveAt: inDays(1) });
    const hold = { principal: owner, params: { id: leaver.userId }, body: { reason: 'Case 12' } };
    await identity.call(legalHoldPut, hold);
    await failed(scheduled);
    await departures.until(owner, good, 'completed');
  });
});

describe('while a service with blocking rules is down', () => {
  it('a due departure waits', async () => {
    await identity.call(policyPut, { principal: owner, body: { preset: 'calls' } });
    const scheduled = await departures.delete(owner, leaver.userId, { effectiveAt: inDays(1) });
    await departures.peer.pause();
    identity.clock.advanceDays(1);
    await identity.get(ScheduleWorker).drain();
    expect((await departures.get(owner, scheduled.id)).status).toBe('scheduled');
    await departures.peer.start();
    identity.clock.advance(3_000);
    identity.get(ScheduleWorker).wake();
    await departures.until(owner, scheduled, 'completed');
  });
});

describe('the cancellation of a scheduled departure', () => {
  it('prevents it', async () => {
    const { id } = await tomorrow();
    expect(await cancel(id)).toMatchObject({ id, status: 'cancelled' });
    await after(2);
    expect(await statusOf(leaver)).toBe('active');
    expect(await audited('departure.cancelled')).toHaveLength(1);
    expect(await outcomeOf(tomorrow())).toBe('ok');
  });

  it('is allowed for users who manage the leaver, while the departure is scheduled', async () => {
    const { id } = await tomorrow();
    expect(await outcomeOf(cancel(id, { ...leaver, roles: ['owner'] }))).toBe('forbidden');
    expect(await outcomeOf(cancel(id, ownerOf(await identity.anAccount())))).toBe('not-found');
    const now = await departures.deactivate(owner, (await identity.aPerson(owner)).userId);
    expect(await outcomeOf(cancel(now.id))).toBe('conflict');
    expect(await outcomeOf(cancel(id))).toBe('ok');
    expect(await outcomeOf(cancel(id))).toBe('conflict');
  });

  it('wins or loses against a concurrent start', async () => {
    for (let round = 0; round < 10; round++) {
      leaver = await identity.aPerson(owner);
      const { id } = await tomorrow();
      identity.clock.advanceDays(1);
      const [outcome] = await Promise.all([outcomeOf(cancel(id)), identity.get(ScheduleWorker).drain()]);
      await eventually(async () => {
        const expected = outcome === 'ok' ? ['cancelled', 'active'] : ['completed', 'deactivated'];
        expect([(await departures.get(owner, id)).status, await statusOf(leaver)]).toEqual(expected);
      });
    }
  });
});
