import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  bulkDeparturesGet,
  departureEvents,
  departuresList,
  policyPut,
  type ActionName,
  type Departure,
  type Principal,
} from '#libs/contracts';
import { Ids } from '#libs/database';
import { eventually } from '#libs/test-kit';
import { affectedBy, TestDepartures } from '../../../testing/departures.js';
import { ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { BulkWorker } from '../bulk/bulk.worker.js';
import { ScheduleWorker } from './schedule.worker.js';

const DAY = 86_400_000;
const RULE = 'identity.scheduled-departures';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let requester: Principal;
let user: Principal;
let scheduled: Departure;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  requester = await identity.aPerson(owner, { roles: ['admin'] });
  user = await identity.aPerson(owner, { name: 'Uma Next' });
  scheduled = await departures.deactivate(requester, user.userId, { effectiveAt: inDays(1) });
});
afterAll(() => departures.stop());

const inDays = (days: number) => new Date(identity.clock.millis() + days * DAY).toISOString();
const audited = async (action: string) =>
  (await identity.call(auditList, { principal: owner, query: { action, subjectId: user.userId } })).items;

async function leaves(action: ActionName, more: object = {}): Promise<Departure> {
  const body = { overrides: { [RULE]: action }, ...more };
  return departures.until(owner, await departures.deactivate(owner, requester.userId, body), 'completed');
}

async function dayComes(): Promise<void> {
  identity.clock.advanceDays(1);
  identity.get(ScheduleWorker).wake();
}

describe('when the user who has scheduled a departure leaves', () => {
  it('it still happens by default, and the list, the trail and the preview say that they have left', async () => {
    const { warnings } = await departures.preview(owner, requester.userId, 'deactivated');
    expect(warnings).toContainEqual(
      expect.objectContaining({ rule: RULE, detail: expect.stringMatching(/still happen: Uma Next \(deactivated on/) }),
    );
    const departure = await departures.until(owner, await departures.deactivate(owner, requester.userId), 'completed');
    expect(affectedBy(departure)).toMatchObject({ [`${RULE} departures deactivated`]: 1 });
    const { items } = await identity.call(departuresList, { principal: owner, query: { status: 'scheduled' } });
    expect(items).toMatchObject([{ id: scheduled.id, requestedBy: requester.userId, requesterHasLeft: true }]);
    expect(await audited('departure.requester-left')).toMatchObject([
      { actor: null, system: 'system (departure)', detail: { departureId: scheduled.id } },
    ]);
    await dayComes();
    const done = await departures.until(owner, scheduled, 'completed');
    expect(done).not.toHaveProperty('requesterHasLeft');
  });

  it('it is not marked while they are there', async () => {
    expect(scheduled).not.toHaveProperty('requesterHasLeft');
  });

  it('it can be cancelled: watchers, subscribers and the trail hear of it, and it stays cancelled', async () => {
    const events = () =>
      identity.client.ask(departureEvents, { accountId: owner.accountId, departureId: scheduled.id, after: 0 });
    const departure = await leaves('cancel');
    expect(affectedBy(departure)).toMatchObject({ [`${RULE} departures deactivated`]: 1 });
    expect(await departures.get(owner, scheduled.id)).toMatchObject({ status: 'cancelled' });
    expect(await events()).toMatchObject({
      events: [{ type: 'departure', data: { id: scheduled.id, status: 'cancelled' } }],
      final: true,
    });
    expect(await audited('departure.cancelled')).toMatchObject([
      { actor: null, system: 'system (departure)', detail: { departureId: scheduled.id, requesterHasLeft: true } },
    ]);
    const news = await identity.query<{ type: string }>(
      sql`select type from departure_news where departure_id = ${scheduled.id} order by id`,
    );
    expect(news.map(({ type }) => type)).toEqual(['departure.scheduled', 'departure.cancelled']);
    await departures.until(
      owner,
      await departures.reactivate(owner, requester.userId, { restore: 'all' }),
      'completed',
    );
    expect((await departures.get(owner, scheduled.id)).status).toBe('cancelled');
  });

  it('it can be transferred: it happens in the name of the successor', async () => {
    const successor = await identity.aPerson(owner, { roles: ['admin'] });
    await leaves('transfer', { successors: { [RULE]: successor.userId } });
    const transferred = await departures.get(owner, scheduled.id);
    expect(transferred).toMatchObject({ status: 'scheduled', requestedBy: successor.userId });
    expect(transferred).not.toHaveProperty('requesterHasLeft');
    expect(await audited('departure.transferred')).toMatchObject([
      { detail: { departureId: scheduled.id, transferredTo: successor.userId } },
    ]);
    await dayComes();
    await departures.until(owner, scheduled, 'completed');
    expect(await audited('user.deactivated')).toMatchObject([{ actor: { id: successor.userId } }]);
  });

  it('what waits for an approval is kept, cancelled or transferred in the same way', async () => {
    await identity.aPerson(owner, { roles: ['admin'] });
    await identity.call(policyPut, { principal: owner, body: { approvals: { deleted: true } } });
    const waiting = await departures.delete(requester, (await identity.aUser(owner)).id);
    const { warnings } = await departures.preview(owner, requester.userId, 'deactivated');
    expect(warnings).toContainEqual(
      expect.objectContaining({ rule: RULE, detail: expect.stringMatching(/\(deleted waits for approval\)/) }),
    );
    const kept = await departures.until(owner, await departures.deactivate(owner, requester.userId), 'completed');
    expect(affectedBy(kept)).toMatchObject({ [`${RULE} departures deactivated`]: 2 });
    expect(await departures.get(owner, waiting.id)).toMatchObject({
      ...{ status: 'awaiting-approval', requesterHasLeft: true },
    });
    await departures.until(owner, await departures.reactivate(owner, requester.userId), 'completed');
    await leaves('cancel');
    expect(await departures.get(owner, waiting.id)).toMatchObject({ status: 'cancelled' });
    const [approval] = await identity.query(sql`select outcome from approval where id = ${waiting.id}`);
    expect(approval).toEqual({ outcome: 'withdrawn' });
  });

  it('their own return is not among them', async () => {
    const body = { overrides: { [RULE]: 'cancel' as const }, returnAt: inDays(5) };
    const own = await departures.deactivate(requester, requester.userId, body);
    expect(affectedBy(await departures.until(owner, own, 'completed'))).toMatchObject({
      [`${RULE} departures deactivated`]: 1,
    });
    const { items } = await identity.call(departuresList, { principal: owner, query: { status: 'scheduled' } });
    expect(items).toMatchObject([{ userId: requester.userId, transition: 'reactivated' }]);
  });
});

describe('a bulk departure on a later day whose requester leaves before all rows are scheduled', () => {
  /** The worker begins with it only after the requester has left. */
  async function bulk(action: ActionName, more: object = {}) {
    const [id, people] = [identity.get(Ids).next(), [await identity.aPerson(owner), await identity.aPerson(owner)]];
    await identity.query(sql`
      insert into bulk_departure (id, account_id, transition, requested_by, requested_as, requested_at, effective_at,
        successors, overrides, look_after)
      values (${id}, ${owner.accountId}, 'deactivated', ${requester.userId}, '{admin}', ${identity.clock.now()}, ${inDays(2)},
        '{}', '{}', 'infinity')`);
    for (const [n, { userId }] of people.entries())
      await identity.query(sql`
        insert into bulk_departure_row (bulk_id, n, user_id) values (${id}, ${n + 1}, ${userId})`);
    const departure = await leaves(action, more);
    expect(affectedBy(departure)).toMatchObject({ [`${RULE} bulk deactivated`]: 1 });
    await identity.query(sql`update bulk_departure set look_after = '-infinity' where id = ${id}`);
    identity.get(BulkWorker).wake();
    return eventually(async () => {
      const report = await identity.call(bulkDeparturesGet, { principal: owner, params: { id } });
      if (report.counts.waiting > 0) throw new Error('rows wait');
      return report;
    });
  }

  it('is cancelled with what is scheduled: nothing is scheduled in their name', async () => {
    const { rows } = await bulk('cancel');
    expect(rows).toMatchObject([1, 2].map(() => ({ status: 'refused', code: 'conflict' })));
  });

  it('is scheduled in the name of the successor after a transfer', async () => {
    const { rows } = await bulk('transfer', { successors: { [RULE]: owner.userId } });
    for (const { departureId } of rows)
      expect(await departures.get(owner, departureId!)).toMatchObject({ requestedBy: owner.userId });
  });
});
