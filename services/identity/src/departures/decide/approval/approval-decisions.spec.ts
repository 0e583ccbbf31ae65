import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { Client } from 'pg';
import { legalHoldPut, usersUpdate, type Departure } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { ApprovalCast, DESTRUCTIVE, problemOf } from '../../../testing/approvals.js';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, type TestIdentity } from '../../../testing/identity.js';
import { ScheduleWorker } from '../schedule/schedule.worker.js';

let departures: TestDepartures;
let identity: TestIdentity;
let cast: ApprovalCast;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  cast = await ApprovalCast.of(departures);
});
afterAll(() => departures.stop());

describe('the time of a request', () => {
  it('ends after the days of the policy at the request', async () => {
    await cast.choose({ days: 2 });
    const waiting = await cast.remove();
    await cast.choose({ days: 90 });
    identity.clock.advanceDays(2);
    expect(await outcomeOf(cast.approve(waiting))).toBe('approval-expired');
    await cast.expire();
    await eventually(async () =>
      expect(await departures.get(cast.owner, waiting.id)).toMatchObject({
        status: 'cancelled',
        error: 'approval-expired',
      }),
    );
    expect(await cast.audited('departure.approval-expired')).toMatchObject([{ actor: null }]);
    expect(await outcomeOf(cast.approve(waiting))).toBe('approval-expired');
    expect(await cast.status()).toBe('active');
  });

  it('of a later departure: it is scheduled by the approval', async () => {
    const effectiveAt = cast.inDays(3);
    const waiting = await cast.remove({ effectiveAt });
    expect(waiting).toMatchObject({ effectiveAt, approval: { immediate: false } });
    expect(await cast.approve(waiting)).toMatchObject({ status: 'scheduled', effectiveAt });
    expect(await cast.audited('departure.scheduled')).toMatchObject([{ actor: { id: cast.ben.userId } }]);
    identity.clock.advanceDays(3);
    await identity.get(ScheduleWorker).drain();
    await departures.until(cast.owner, waiting, 'completed');
  });

  it('of a later departure whose day has passed: it is carried out by the approval', async () => {
    const waiting = await cast.remove({ effectiveAt: cast.inDays(1) });
    identity.clock.advanceDays(2);
    expect(await cast.approve(waiting)).toMatchObject({ status: 'running' });
    const other = await identity.aPerson(cast.owner);
    const again = await departures.delete(cast.ada, other.userId, { effectiveAt: cast.inDays(1) });
    identity.clock.advanceDays(2);
    const { planToken } = await departures.previewOf(cast.ben, other.userId, { transition: 'deleted' });
    expect(await cast.approve(again, cast.ben, { planToken })).toMatchObject({ status: 'running' });
  });

  it('of a return that has passed is refused', async () => {
    await cast.choose({ destructive: true });
    const waiting = await cast.deactivate({ ...DESTRUCTIVE, returnAt: cast.inDays(1) });
    identity.clock.advanceDays(2);
    expect(await outcomeOf(cast.approve(waiting))).toBe('conflict');
  });

  it('of a return to come is kept, with what it restores', async () => {
    await cast.choose({ destructive: true });
    const returnAt = cast.inDays(5);
    const waiting = await cast.deactivate({ ...DESTRUCTIVE, returnAt, restore: 'all' });
    expect(await cast.approve(waiting)).toMatchObject({ status: 'running', returnAt, restore: 'all' });
  });
});

describe('what has changed since the request', () => {
  it('is refused with the changes, and can be approved as it is now', async () => {
    await departures.peer.give(cast.owner.accountId, cast.leaver.userId, 'record', 2);
    const overrides = { 'telephony.records': 'delete' as const };
    const waiting = await cast.remove({ overrides });
    await departures.peer.give(cast.owner.accountId, cast.leaver.userId, 'record');
    const { code, details } = await problemOf(cast.approve(waiting));
    expect(code).toBe('plan-stale');
    expect(details.changes).toContainEqual(
      expect.objectContaining({
        rule: 'telephony.records',
        before: expect.objectContaining({ count: 2 }),
        after: expect.objectContaining({ count: 3 }),
      }),
    );
    const other = await departures.previewOf(cast.ben, cast.leaver.userId, { transition: 'deleted' });
    expect(await outcomeOf(cast.approve(waiting, cast.ben, { planToken: other.planToken }))).toBe('plan-stale');
    const { planToken } = await departures.previewOf(cast.ben, cast.leaver.userId, {
      transition: 'deleted',
      overrides,
    });
    expect(await outcomeOf(cast.approve(waiting, cast.ben, { planToken }))).toBe('ok');
  });

  it('in the policy makes the plan stale, and takes no approval away', async () => {
    const waiting = await cast.remove();
    await cast.choose({ deleted: false });
    expect((await departures.get(cast.owner, waiting.id)).status).toBe('awaiting-approval');
    expect(await outcomeOf(cast.approve(waiting, cast.ada))).toBe('own-request');
    expect(await outcomeOf(cast.approve(waiting))).toBe('plan-stale');
    const { planToken } = await departures.previewOf(cast.ben, cast.leaver.userId, { transition: 'deleted' });
    expect(await outcomeOf(cast.approve(waiting, cast.ben, { planToken }))).toBe('ok');
  });

  it('is checked by the guards again', async () => {
    const successor = await identity.aPerson(cast.owner);
    const waiting = await cast.remove({ successors: { default: successor.userId } });
    await identity.call(legalHoldPut, {
      principal: cast.owner,
      params: { id: cast.leaver.userId },
      body: { reason: 'A case' },
    });
    expect(await outcomeOf(cast.approve(waiting))).toBe('legal-hold');
    await cast.cancel(waiting);
    const other = await identity.aPerson(cast.owner);
    const next = await departures.delete(cast.ada, other.userId, { successors: { default: successor.userId } });
    await departures.deactivate(cast.owner, successor.userId);
    expect(['invalid-successor', 'plan-stale']).toContain(await outcomeOf(cast.approve(next)));
    expect((await departures.get(cast.owner, next.id)).status).toBe('awaiting-approval');
  });

  it('is a plan token of the requester too: the approval carries out what they were shown', async () => {
    const { planToken } = await departures.previewOf(cast.ada, cast.leaver.userId, { transition: 'deleted' });
    const waiting = await cast.remove({ planToken });
    const [row] = await identity.query<{ plan_token: string }>(
      sql`select plan_token from approval where id = ${waiting.id}`,
    );
    expect(row!.plan_token).toBe(planToken);
    await identity.call(usersUpdate, {
      principal: cast.owner,
      params: { id: cast.leaver.userId },
      body: { name: 'Una' },
    });
    expect(await outcomeOf(cast.approve(waiting))).toBe('plan-stale');
  });
});

const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

describe('at the same time', () => {
  /** Holds the account's row until both have come to wait for it, so that they are decided in this order. */
  async function inOrder(...calls: (() => Promise<unknown>)[]): Promise<string[]> {
    const outcomes: Promise<string>[] = [];
    const holder = new Client(identity.database.url);
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from account where id = $1 for update', [cast.owner.accountId]);
    // Background work that writes something of the account waits, too.
    const waiting = async () => (await holder.query(WAITING)).rowCount!;
    for (const call of calls) {
      const before = await waiting();
      outcomes.push(outcomeOf(call()));
      await eventually(async () => expect(await waiting()).toBeGreaterThan(before));
    }
    await holder.query('commit');
    await holder.end();
    return Promise.all(outcomes);
  }

  it.each<[string, (waiting: Departure) => Promise<unknown>, (waiting: Departure) => Promise<unknown>]>([
    ['two approvals', (waiting) => cast.approve(waiting), (waiting) => cast.approve(waiting, cast.owner)],
    ['an approval and a refusal', (waiting) => cast.approve(waiting), (waiting) => cast.refuse(waiting, cast.owner)],
    ['a refusal and an approval', (waiting) => cast.refuse(waiting), (waiting) => cast.approve(waiting, cast.owner)],
    ['an approval and a cancellation', (waiting) => cast.approve(waiting), (waiting) => cast.cancel(waiting)],
    ['a cancellation and an approval', (waiting) => cast.cancel(waiting), (waiting) => cast.approve(waiting)],
  ])('%s: the first one wins', async (_, first, second) => {
    const waiting = await cast.remove();
    const calls = [first, second].map((call) => () => call(waiting));
    expect(await inOrder(...calls)).toEqual(['ok', 'conflict']);
  });

  it('an approval and the expiry: one of them wins, whichever has the departure first', async () => {
    const waiting = await cast.remove();
    const holder = new Client(identity.database.url);
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from departure where id = $1 for update', [waiting.id]);
    const approving = outcomeOf(cast.approve(waiting));
    await eventually(async () => expect((await holder.query(WAITING)).rowCount).toBe(1));
    identity.clock.advanceDays(7);
    // It leaves alone what is locked.
    await cast.expire();
    await holder.query('commit');
    await holder.end();
    expect(await approving).toBe('approval-expired');
    await eventually(async () => {
      await cast.expire();
      expect((await departures.get(cast.owner, waiting.id)).status).toBe('cancelled');
    });
    const other = await identity.aPerson(cast.owner);
    const approved = await departures.delete(cast.ada, other.userId);
    await cast.approve(approved);
    identity.clock.advanceDays(7);
    await cast.expire();
    expect((await departures.get(cast.owner, approved.id)).status).not.toBe('cancelled');
  });
});
