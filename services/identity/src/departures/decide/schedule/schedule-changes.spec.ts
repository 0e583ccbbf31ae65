import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  accountUpdate,
  auditList,
  departureEvents,
  departuresCancel,
  departuresList,
  departuresUpdate,
  usersGet,
  type DepartureChange,
  type DepartureRequest,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { DepartureClaims } from '../../store/departure-claims.js';
import { ScheduleWorker } from './schedule.worker.js';
import { ScheduledDepartures } from './scheduled-departures.js';

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
const change = (id: string, body: DepartureChange, principal = owner) =>
  identity.call(departuresUpdate, { principal, params: { id }, body });
const deactivate = (body: DepartureRequest) => departures.deactivate(owner, leaver.userId, body);
const remove = (body: DepartureRequest) => departures.delete(owner, leaver.userId, body);
const statusOf = async ({ userId }: Principal) =>
  (await identity.call(usersGet, { principal: owner, params: { id: userId } })).status;
const audited = async () =>
  (
    await identity.call(auditList, {
      principal: owner,
      query: { action: 'departure.rescheduled', subjectId: leaver.userId },
    })
  ).items;
const daysPass = async (days: number) => {
  identity.clock.advanceDays(days);
  await identity.get(ScheduleWorker).drain();
};
const returnOf = async (id: string) => {
  const query = { userId: leaver.userId };
  const { items } = await identity.call(departuresList, { principal: owner, query });
  return items.find(({ returnsFrom }) => returnsFrom === id)!;
};

describe('a scheduled departure', () => {
  it('shows what its request names', async () => {
    const wishes: DepartureRequest = {
      successors: { default: owner.userId },
      overrides: { 'telephony.calls': 'keep' },
      restore: ['telephony.calls'],
    };
    const { id } = await deactivate({ ...wishes, effectiveAt: inDays(1), returnAt: inDays(2) });
    expect(await departures.get(owner, id)).toMatchObject(wishes);
  });

  it('can be moved, with an entry in the trail and an event for watchers', async () => {
    const scheduled = await deactivate({ effectiveAt: inDays(1), reason: 'Contract ends' });
    const to = { effectiveAt: inDays(3), returnAt: inDays(5), reason: 'Contract prolonged' };
    expect(await change(scheduled.id, to)).toMatchObject({ id: scheduled.id, status: 'scheduled', ...to });
    expect(await audited()).toMatchObject([
      {
        actor: { id: owner.userId },
        detail: { departureId: scheduled.id, effectiveAt: { from: scheduled.effectiveAt, to: to.effectiveAt } },
      },
    ]);
    const watch = { accountId: owner.accountId, departureId: scheduled.id, after: 0 };
    expect(await identity.client.ask(departureEvents, watch)).toMatchObject({
      events: [{ n: 1, type: 'departure', data: { status: 'scheduled', effectiveAt: to.effectiveAt } }],
      final: false,
    });
    await daysPass(2);
    expect(await statusOf(leaver)).toBe('active');
    await daysPass(1);
    expect(await departures.until(owner, scheduled, 'completed')).toMatchObject(to);
    expect(await returnOf(scheduled.id)).toMatchObject({ status: 'scheduled', effectiveAt: to.returnAt });
  });

  it('can lose its return and its reason', async () => {
    const request = { effectiveAt: inDays(1), returnAt: inDays(2), restore: 'all', reason: 'Parental leave' } as const;
    const scheduled = await deactivate(request);
    const changed = await change(scheduled.id, { returnAt: null, reason: null });
    expect(changed).toMatchObject({ effectiveAt: request.effectiveAt, reason: null });
    expect([changed.returnAt, changed.restore]).toEqual([undefined, undefined]);
    await daysPass(3);
    expect(await statusOf(leaver)).toBe('deactivated');
  });

  it('stays as it is, without an entry in the trail, if nothing is different', async () => {
    const { id, effectiveAt } = await deactivate({ effectiveAt: inDays(1) });
    expect(await change(id, { effectiveAt })).toMatchObject({ effectiveAt });
    expect(await audited()).toEqual([]);
  });

  it('is not carried out if it was moved after a worker had claimed it', async () => {
    const { id } = await deactivate({ effectiveAt: inDays(1) });
    identity.clock.advanceDays(1);
    // The worker of the test's service may hold the claim.
    await identity.query(sql`update departure set look_after = '-infinity' where id = ${id}`);
    const claimed = (
      await identity.get(DepartureClaims).scheduled(200, new Date(identity.clock.millis() + 60_000))
    ).filter((one) => one.id === id);
    expect(claimed).toHaveLength(1);
    await change(id, { effectiveAt: inDays(1) });
    await identity.get(ScheduledDepartures).decide(claimed);
    expect((await departures.get(owner, id)).status).toBe('scheduled');
    await daysPass(1);
    await eventually(async () => expect(await statusOf(leaver)).toBe('deactivated'));
  });

  it('cannot be moved into the past, or behind its return or the scheduled deletion', async () => {
    const { id } = await deactivate({ effectiveAt: inDays(1), returnAt: inDays(3) });
    expect(await outcomeOf(change(id, { effectiveAt: inDays(-1) }))).toBe('validation');
    expect(await outcomeOf(change(id, { effectiveAt: inDays(4) }))).toBe('validation');
    await change(id, { returnAt: null });
    const deletion = await remove({ effectiveAt: inDays(5) });
    expect(await outcomeOf(change(id, { effectiveAt: inDays(6) }))).toBe('conflict');
    expect(await outcomeOf(change(id, { returnAt: inDays(4) }))).toBe('conflict');
    expect(await outcomeOf(change(deletion.id, { effectiveAt: inDays(0.5) }))).toBe('conflict');
    expect(await outcomeOf(change(deletion.id, { returnAt: inDays(9) }))).toBe('validation');
    expect(await outcomeOf(change(deletion.id, { effectiveAt: inDays(6) }))).toBe('ok');
    expect(await outcomeOf(change(id, { effectiveAt: inDays(5.5) }))).toBe('ok');
  });

  it('keeps the retention between deactivation and deletion', async () => {
    await identity.call(accountUpdate, { principal: owner, body: { retentionDays: 10 } });
    const { id } = await deactivate({ effectiveAt: inDays(1) });
    const deletion = await remove({ effectiveAt: inDays(11) });
    expect(await outcomeOf(change(id, { effectiveAt: inDays(2) }))).toBe('retention');
    expect(await outcomeOf(change(deletion.id, { effectiveAt: inDays(10) }))).toBe('retention');
    await change(deletion.id, { effectiveAt: inDays(13) });
    expect(await outcomeOf(change(id, { effectiveAt: inDays(2) }))).toBe('ok');
  });

  it('can be changed only by managers of the user, and only until it begins', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const other = await identity.aPerson(owner, { roles: ['owner'] });
    const { id } = await departures.deactivate(owner, other.userId, { effectiveAt: inDays(1) });
    const foreign = ownerOf(await identity.anAccount());
    expect(await outcomeOf(change(id, { reason: 'Other' }, admin))).toBe('forbidden');
    expect(await outcomeOf(change(id, { reason: 'Other' }, foreign))).toBe('not-found');
    await daysPass(1);
    await eventually(async () => expect(await outcomeOf(change(id, { reason: 'Other' }))).toBe('conflict'));
  });

  it('is refused for a successor who has left, like a new one', async () => {
    const successor = await identity.aPerson(owner);
    const { id } = await deactivate({ effectiveAt: inDays(1), successors: { default: successor.userId } });
    await departures.deactivate(owner, successor.userId);
    expect(await outcomeOf(change(id, { effectiveAt: inDays(2) }))).toBe('invalid-successor');
    expect(await outcomeOf(change(id, { reason: 'Anything' }))).toBe('ok');
  });
});

describe('a scheduled return', () => {
  it('can be moved, and the deactivation shows the new time', async () => {
    const left = await deactivate({ returnAt: inDays(3) });
    const back = await returnOf(left.id);
    const effectiveAt = inDays(5);
    expect(await change(back.id, { effectiveAt })).toMatchObject({ effectiveAt, returnsFrom: left.id });
    expect(await departures.get(owner, left.id)).toMatchObject({ returnAt: effectiveAt });
    await daysPass(4);
    expect(await statusOf(leaver)).toBe('deactivated');
    await daysPass(1);
    expect(await statusOf(leaver)).toBe('active');
  });

  it('can be cancelled, and the deactivation has no return any more', async () => {
    const left = await deactivate({ returnAt: inDays(3) });
    const back = await returnOf(left.id);
    await identity.call(departuresCancel, { principal: owner, params: { id: back.id } });
    expect((await departures.get(owner, left.id)).returnAt).toBeUndefined();
  });

  it('has no return itself, and cannot come before a scheduled deletion', async () => {
    const left = await deactivate({ returnAt: inDays(5) });
    const back = await returnOf(left.id);
    expect(await outcomeOf(change(back.id, { returnAt: inDays(6) }))).toBe('validation');
    await remove({ effectiveAt: inDays(3) });
    expect(await outcomeOf(change(back.id, { effectiveAt: inDays(2) }))).toBe('conflict');
    expect(await outcomeOf(change(back.id, { effectiveAt: inDays(4) }))).toBe('ok');
  });
});
