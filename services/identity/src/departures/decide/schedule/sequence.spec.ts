import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  accountUpdate,
  auditList,
  departuresCancel,
  policyPut,
  usersGet,
  usersReactivate,
  type Departure,
  type DepartureRequest,
  type Preset,
  type Principal,
  type Problem,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { DepartureClaims, LEASE_MS } from '../../store/departure-claims.js';
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
beforeEach(() => account('crm'));
afterAll(() => departures.stop());

async function account(preset: Preset, retentionDays = 0): Promise<void> {
  owner = ownerOf(await identity.anAccount({ preset }));
  if (retentionDays > 0) await identity.call(accountUpdate, { principal: owner, body: { retentionDays } });
  leaver = await identity.aPerson(owner);
}
const inDays = (days: number) => new Date(identity.clock.millis() + days * DAY).toISOString();
const deactivate = (body: DepartureRequest = {}) => departures.deactivate(owner, leaver.userId, body);
const remove = (body: DepartureRequest = {}) => departures.delete(owner, leaver.userId, body);
const cancel = ({ id }: Departure) => identity.call(departuresCancel, { principal: owner, params: { id } });
const statusOf = async () =>
  (await identity.call(usersGet, { principal: owner, params: { id: leaver.userId } })).status;
const stateOf = async ({ id }: Departure) => (await departures.get(owner, id)).status;
const refusalOf = (call: Promise<unknown>): Promise<Problem> =>
  call.then(
    () => Promise.reject(new Error('it was not refused')),
    (problem: Problem) => problem,
  );
const cancelledIn = async (subjectId = leaver.userId) =>
  (await identity.call(auditList, { principal: owner, query: { action: 'departure.cancelled', subjectId } })).items;
const newsOf = async ({ id }: Departure) =>
  (await identity.query<{ type: string }>(sql`select type from departure_news where departure_id = ${id}`)).map(
    ({ type }) => type,
  );
/** So many days later, when whatever has become due is decided. */
async function after(days: number): Promise<void> {
  identity.clock.advanceDays(days);
  identity.get(ScheduleWorker).wake();
  const due = sql`select from departure where status = 'scheduled' and effective_at <= ${identity.clock.now()}`;
  await eventually(async () => expect(await identity.query(due)).toEqual([]));
}

describe('a deactivation and a deletion after it', () => {
  it('happen on their days', async () => {
    const leaving = await deactivate({ effectiveAt: inDays(1) });
    const deletion = await remove({ effectiveAt: inDays(2) });
    await after(1);
    expect([await statusOf(), await stateOf(deletion)]).toEqual(['deactivated', 'scheduled']);
    await departures.until(owner, leaving, 'completed');
    await after(1);
    expect(await statusOf()).toBe('deleted');
    await departures.until(owner, deletion, 'completed');
  });

  it('may have the same time, in whichever order they were asked for', async () => {
    await account('helpdesk');
    const effectiveAt = inDays(1);
    const deletion = await remove({ effectiveAt });
    const leaving = await deactivate({ effectiveAt });
    await identity.call(policyPut, { principal: owner, body: { preset: 'crm' } });
    await after(1);
    await departures.until(owner, deletion, 'completed');
    expect(['completed', 'superseded']).toContain(await stateOf(leaving));
  });

  it('are claimed one after the other', async () => {
    await deactivate({ effectiveAt: inDays(1) });
    await remove({ effectiveAt: inDays(1) });
    const claims = identity.get(DepartureClaims);
    const claim = () => claims.scheduled(10, new Date(identity.clock.millis() + LEASE_MS));
    identity.clock.advanceDays(1);
    const mine = (await claim()).filter((due) => due.user_id === leaver.userId);
    expect(mine).toMatchObject([{ transition: 'deactivated' }]);
    expect((await claim()).filter((due) => due.user_id === leaver.userId)).toEqual([]);
    await after(1);
  });

  it('keep the retention, also where the deactivation was carried out late', async () => {
    await account('crm', 30);
    await deactivate({ effectiveAt: inDays(1) });
    expect(await refusalOf(remove({ effectiveAt: inDays(30.9) }))).toMatchObject({ code: 'retention' });
    const deletion = await remove({ effectiveAt: inDays(31) });
    await after(1.5);
    expect(await statusOf()).toBe('deactivated');
    identity.clock.advanceDays(29.6);
    await identity.get(ScheduleWorker).drain();
    expect(await stateOf(deletion)).toBe('scheduled');
    await after(0.4);
    await departures.until(owner, deletion, 'completed');
  });

  it('fail on the day where the account keeps people longer by then', async () => {
    await account('crm', 1);
    await deactivate({ effectiveAt: inDays(1) });
    const deletion = await remove({ effectiveAt: inDays(2) });
    await identity.call(accountUpdate, { principal: owner, body: { retentionDays: 30 } });
    await after(2);
    await after(0);
    expect(await departures.get(owner, deletion.id)).toMatchObject({ status: 'failed', error: 'retention' });
  });
});

describe('what can never become possible is refused at once:', () => {
  it('a deletion under crm without a deactivation before it', async () => {
    const problem = await refusalOf(remove({ effectiveAt: inDays(2) }));
    expect(problem.code).toBe('not-deactivated');
    expect(problem.message).toMatch(/schedule a deactivation/);
    await deactivate({ effectiveAt: inDays(3) });
    expect(await refusalOf(remove({ effectiveAt: inDays(2) }))).toMatchObject({ code: 'conflict' });
    expect(await outcomeOf(remove({ effectiveAt: inDays(3) }))).toBe('ok');
  });

  it('a deletion within the retention', async () => {
    await account('helpdesk', 30);
    expect(await refusalOf(remove({ effectiveAt: inDays(60) }))).toMatchObject({ code: 'retention' });
    await deactivate();
    const { deactivatedAt } = await identity.call(usersGet, { principal: owner, params: { id: leaver.userId } });
    const until = new Date(Date.parse(deactivatedAt!) + 30 * DAY).toISOString();
    const problem = await refusalOf(remove({ effectiveAt: inDays(29) }));
    expect(problem.message).toContain(`Delete from ${until} on`);
    expect(await outcomeOf(remove({ effectiveAt: inDays(30) }))).toBe('ok');
  });

  it('a second one of the same kind, naming the first', async () => {
    const leaving = await deactivate({ effectiveAt: inDays(1) });
    expect((await refusalOf(deactivate({ effectiveAt: inDays(2) }))).details).toMatchObject({ items: [leaving.id] });
  });

  it('a deactivation after the deletion, or with a return', async () => {
    await account('helpdesk');
    await remove({ effectiveAt: inDays(2) });
    expect(await outcomeOf(deactivate({ effectiveAt: inDays(3) }))).toBe('conflict');
    expect(await outcomeOf(deactivate({ effectiveAt: inDays(1), returnAt: inDays(1.5) }))).toBe('conflict');
    expect(await outcomeOf(deactivate({ effectiveAt: inDays(1) }))).toBe('ok');
  });

  it('a deletion after a return, which would call it off', async () => {
    await deactivate({ returnAt: inDays(5) });
    expect(await outcomeOf(remove({ effectiveAt: inDays(5) }))).toBe('conflict');
    expect(await outcomeOf(remove({ effectiveAt: inDays(4) }))).toBe('ok');
    leaver = await identity.aPerson(owner);
    await deactivate({ effectiveAt: inDays(1), returnAt: inDays(5) });
    expect(await outcomeOf(remove({ effectiveAt: inDays(4) }))).toBe('conflict');
  });
});

describe('a decision of now', () => {
  it('calls off what it contradicts, leaves the rest, and says so everywhere', async () => {
    const leaving = await deactivate({ effectiveAt: inDays(1) });
    const deletion = await remove({ effectiveAt: inDays(2) });
    const now = await deactivate();
    const { id, transition, effectiveAt } = leaving;
    expect(now.calledOff).toEqual([{ id, transition, effectiveAt }]);
    expect(await departures.get(owner, now.id)).toMatchObject({ calledOff: now.calledOff });
    expect(await departures.get(owner, id)).toMatchObject({ status: 'superseded', calledOffBy: now.id });
    expect(await newsOf(leaving)).toContain('departure.cancelled');
    const detail = { departureId: id, transition, effectiveAt, calledOffBy: now.id };
    expect(await cancelledIn()).toMatchObject([{ actor: { id: owner.userId }, detail }]);
    expect(await stateOf(deletion)).toBe('scheduled');
    await after(2);
    await departures.until(owner, deletion, 'completed');
  });

  it('has nothing to say where nothing is scheduled', async () => {
    expect(await deactivate()).not.toHaveProperty('calledOff');
    expect(await cancelledIn()).toEqual([]);
  });

  it('that somebody leaves for a time calls off their deletion', async () => {
    await account('helpdesk');
    const deletion = await remove({ effectiveAt: inDays(2) });
    expect((await deactivate({ returnAt: inDays(5) })).calledOff).toMatchObject([{ id: deletion.id }]);
    expect(await stateOf(deletion)).toBe('cancelled');
  });

  it('is named as the system’s if the user who scheduled it has left', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const body = { returnAt: inDays(3) };
    await departures.deactivate(admin, leaver.userId, body);
    const deletion = await remove({ effectiveAt: inDays(2) });
    await departures.deactivate(owner, admin.userId);
    await after(2);
    const { calledOff } = await departures.until(owner, deletion, 'completed');
    expect(calledOff).toMatchObject([{ transition: 'reactivated', effectiveAt: body.returnAt }]);
  });
});

it.each(['by hand', 'on its day'])('a return %s calls off the deletion after it', async (how) => {
  const left = await deactivate(how === 'by hand' ? {} : { returnAt: inDays(3) });
  // As an earlier version has accepted it: now a deletion after a return is refused.
  const deletion = await remove({ effectiveAt: inDays(2) });
  await identity.query(sql`update departure set effective_at = ${inDays(4)} where id = ${deletion.id}`);
  if (how === 'by hand')
    await identity.call(usersReactivate, { principal: owner, params: { id: leaver.userId }, body: {} });
  else await after(3);
  expect(left.status).toBe('running');
  expect(await statusOf()).toBe('active');
  expect(await stateOf(deletion)).toBe('cancelled');
  expect(await cancelledIn()).toMatchObject([{ detail: { departureId: deletion.id } }]);
  expect(await newsOf(deletion)).toContain('departure.cancelled');
  await after(2);
  expect(await statusOf()).toBe('active');
});

describe('a cancelled deactivation', () => {
  it('takes the deletion with it that needs one', async () => {
    const leaving = await deactivate({ effectiveAt: inDays(1) });
    const deletion = await remove({ effectiveAt: inDays(2) });
    expect((await cancel(leaving)).calledOff).toMatchObject([{ id: deletion.id, transition: 'deleted' }]);
    expect(await stateOf(deletion)).toBe('cancelled');
    expect(await cancelledIn()).toHaveLength(2);
  });

  it('leaves a deletion that does not', async () => {
    await account('helpdesk');
    const leaving = await deactivate({ effectiveAt: inDays(1) });
    const deletion = await remove({ effectiveAt: inDays(2) });
    expect(await cancel(leaving)).not.toHaveProperty('calledOff');
    expect(await stateOf(deletion)).toBe('scheduled');
  });

  it('does not depend on its deletion', async () => {
    const leaving = await deactivate({ effectiveAt: inDays(1) });
    await cancel(await remove({ effectiveAt: inDays(2) }));
    expect(await stateOf(leaving)).toBe('scheduled');
  });
});
