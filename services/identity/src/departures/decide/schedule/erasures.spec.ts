import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  accountUpdate,
  auditList,
  bulkDeparturesGet,
  departuresBulk,
  departuresCancel,
  departuresUpdate,
  departuresList,
  legalHoldLift,
  legalHoldPut,
  policyGet,
  PolicyChange,
  policyPut,
  usersGet,
  validate,
  type DepartureRequest,
  type DepartureSummary,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { TestDepartures } from '../../../testing/departures.js';
import { ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { Provider } from '../../../testing/provider.js';
import { ErasureNoticeWorker } from './erasure-notice.worker.js';
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
  owner = ownerOf(await identity.anAccount({ preset: 'crm' }));
  leaver = await identity.aPerson(owner);
  await erase(30);
});
afterAll(() => departures.stop());

const erase = (eraseAfterDays: number | null) =>
  identity.call(policyPut, { principal: owner, body: { eraseAfterDays } });
const inDays = (days: number) => new Date(identity.clock.millis() + days * DAY).toISOString();
const deactivate = (body: DepartureRequest = {}) => departures.deactivate(owner, leaver.userId, body);
const ofLeaver = () => ({ principal: owner, params: { id: leaver.userId } });
const user = () => identity.call(usersGet, ofLeaver());
const deletions = async (): Promise<DepartureSummary[]> => {
  const query = { userId: leaver.userId, transition: 'deleted' as const };
  return (await identity.call(departuresList, { principal: owner, query })).items;
};
const notices = () => identity.get(ErasureNoticeWorker).drain();
const announced = async () => {
  const query = { action: 'departure.announced', subjectId: leaver.userId };
  return (await identity.call(auditList, { principal: owner, query })).items;
};
const newsOf = async ({ id }: { id: string }) => {
  const news = await identity.query<{ type: string }>(sql`
    select type from departure_news where departure_id = ${id} order by id`);
  return news.map(({ type }) => type);
};
const drain = () => identity.get(ScheduleWorker).drain();
const daysAfter = ({ effectiveAt }: { effectiveAt: string }, { effectiveAt: from }: { effectiveAt: string }) =>
  // The clock goes on between the two.
  Math.round(((Date.parse(effectiveAt) - Date.parse(from)) / DAY) * 1_000) / 1_000;

describe('the policy `eraseAfterDays`', () => {
  it('is a number of days, or null, and no other change of the policy changes it', async () => {
    const faults = (eraseAfterDays: unknown) => validate(PolicyChange, { eraseAfterDays }).length;
    expect([0, 3651, 1.5, '5', null, 1, 3650].map(faults)).toEqual([1, 1, 1, 1, 0, 0, 0]);
    expect(await identity.call(policyPut, { principal: owner, body: { preset: 'texting' } })).toMatchObject({
      eraseAfterDays: 30,
    });
    await erase(null);
    expect(await identity.call(policyGet, { principal: owner })).toMatchObject({ eraseAfterDays: null });
  });

  it('schedules the deletion with the deactivation, on the day that the preview shows', async () => {
    const { erasesAt } = await departures.preview(owner, leaver.userId, 'deactivated');
    const left = await deactivate();
    const [deletion] = await deletions();
    expect(deletion).toMatchObject({ status: 'scheduled', requestedBy: null, erasesFrom: left.id });
    expect(daysAfter(deletion!, left)).toBe(30);
    expect(Math.abs(Date.parse(erasesAt!) - Date.parse(deletion!.effectiveAt))).toBeLessThan(60_000);
    const query = { action: 'departure.scheduled', subjectId: leaver.userId };
    expect((await identity.call(auditList, { principal: owner, query })).items).toMatchObject([
      { actor: null, system: 'system (departure)', detail: { departureId: deletion!.id, transition: 'deleted' } },
    ]);
    identity.clock.advanceDays(29);
    await drain();
    expect(await user()).toMatchObject({ status: 'deactivated' });
    identity.clock.advanceDays(1);
    await drain();
    expect(await user()).toMatchObject({ status: 'deleted' });
    await departures.until(owner, deletion!, 'completed');
  });

  it('waits for the retention', async () => {
    await identity.call(accountUpdate, { principal: owner, body: { retentionDays: 90 } });
    const left = await deactivate();
    expect(daysAfter((await deletions())[0]!, left)).toBe(90);
  });

  it('leaves users who return, and those whose deletion is scheduled already', async () => {
    const body = { transition: 'deactivated', returnAt: inDays(5) } as const;
    expect(await departures.previewOf(owner, leaver.userId, body)).not.toHaveProperty('erasesAt');
    await deactivate({ returnAt: body.returnAt });
    expect(await deletions()).toEqual([]);
    leaver = await identity.aPerson(owner);
    await deactivate({ effectiveAt: inDays(1) });
    const own = await departures.delete(owner, leaver.userId, { effectiveAt: inDays(9) });
    identity.clock.advanceDays(1);
    await drain();
    expect(await deletions()).toMatchObject([{ id: own.id }]);
  });

  it('counts from the day of a scheduled deactivation', async () => {
    const effectiveAt = inDays(3);
    const body = { transition: 'deactivated', effectiveAt } as const;
    const { erasesAt } = await departures.previewOf(owner, leaver.userId, body);
    expect(daysAfter({ effectiveAt: erasesAt! }, { effectiveAt })).toBe(30);
    await deactivate({ effectiveAt });
    expect(await deletions()).toEqual([]);
    identity.clock.advanceDays(3);
    await drain();
    expect(await deletions()).toMatchObject([{ status: 'scheduled' }]);
  });

  it.each([
    [
      'in bulk',
      async () => {
        const body = { transition: 'deactivated' as const, users: [{ userId: leaver.userId }] };
        const { id } = await identity.call(departuresBulk, { principal: owner, body });
        await eventually(async () => {
          const { rows } = await identity.call(bulkDeparturesGet, { principal: owner, params: { id } });
          expect(rows[0]!.status).not.toBe('waiting');
        });
      },
    ],
    [
      'by SCIM',
      async () => {
        const provider = await Provider.of(identity, owner);
        await provider.users.change(leaver.userId, [{ op: 'replace', value: { active: false } }]);
      },
    ],
  ])('also holds for a deactivation %s', async (_how, leave) => {
    await leave();
    expect(await deletions()).toMatchObject([{ status: 'scheduled', requestedBy: null }]);
  });

  it.each([
    ['7 days before it, unless the policy says something else', undefined, 30, 7],
    ['as many days before it as the policy says', 12, 30, 12],
    ['on the day before, if it is due in fewer days than usual', undefined, 5, 4],
  ])('is announced to managers once, %s', async (_when, eraseAnnouncedDaysBefore, days, notice) => {
    await identity.call(policyPut, { principal: owner, body: { eraseAfterDays: days, eraseAnnouncedDaysBefore } });
    const left = await deactivate();
    const [deletion] = await deletions();
    identity.clock.advanceDays(days - notice - 1);
    await notices();
    expect(await announced()).toEqual([]);
    identity.clock.advanceDays(1);
    await notices();
    await notices();
    const detail = { departureId: deletion!.id, transition: 'deleted', effectiveAt: deletion!.effectiveAt };
    expect(await announced()).toMatchObject([{ system: 'system (departure)', subject: { id: left.userId }, detail }]);
    expect(await newsOf(deletion!)).toEqual(['departure.scheduled', 'departure.announced']);
  });

  it('is announced before it happens even if nothing ran on the day of the notice', async () => {
    await deactivate();
    const [deletion] = await deletions();
    identity.clock.advanceDays(31);
    // The worker that runs in the background may be first.
    await eventually(async () => {
      await drain();
      expect(await user()).toMatchObject({ status: 'deleted' });
    });
    expect(await newsOf(deletion!)).toEqual(['departure.scheduled', 'departure.announced', 'departure.started']);
    await notices();
    expect(await announced()).toHaveLength(1);
  });

  it('is announced later if it is moved, and not at all if it is called off', async () => {
    await deactivate();
    const [deletion] = await deletions();
    const params = { id: deletion!.id };
    const effectiveAt = new Date(Date.parse(deletion!.effectiveAt) + 10 * DAY).toISOString();
    await identity.call(departuresUpdate, { principal: owner, params, body: { effectiveAt } });
    identity.clock.advanceDays(24);
    await notices();
    expect(await announced()).toEqual([]);
    await identity.call(departuresCancel, { principal: owner, params });
    identity.clock.advanceDays(20);
    await notices();
    expect(await announced()).toEqual([]);
  });

  it('is later than its notice', async () => {
    const put = (body: PolicyChange) => identity.call(policyPut, { principal: owner, body });
    const refused = { code: 'validation', details: { errors: [{ field: 'eraseAnnouncedDaysBefore' }] } };
    await expect(put({ eraseAnnouncedDaysBefore: 30 })).rejects.toMatchObject(refused);
    expect(await put({ eraseAnnouncedDaysBefore: 29 })).toMatchObject({ eraseAnnouncedDaysBefore: 29 });
    await expect(put({ eraseAfterDays: 29 })).rejects.toMatchObject(refused);
    expect(await put({ eraseAfterDays: 1, eraseAnnouncedDaysBefore: 0 })).toMatchObject({ eraseAfterDays: 1 });
    expect(await put({ preset: 'crm' })).toMatchObject({ eraseAnnouncedDaysBefore: 0 });
  });

  it('does not change what was scheduled under the former one', async () => {
    const left = await deactivate();
    await erase(5);
    await erase(null);
    const [deletion] = await deletions();
    expect([deletion!.status, daysAfter(deletion!, left)]).toEqual(['scheduled', 30]);
  });

  it('waits under a legal hold, and erases when it has been lifted', async () => {
    await deactivate();
    await identity.call(legalHoldPut, { ...ofLeaver(), body: { reason: 'Smith v. Acme' } });
    identity.clock.advanceDays(31);
    await drain();
    expect([(await user()).status, (await deletions())[0]!.status]).toEqual(['deactivated', 'scheduled']);
    await identity.call(legalHoldLift, ofLeaver());
    identity.clock.advance(61_000);
    await drain();
    expect(await user()).toMatchObject({ status: 'deleted' });
  });

  it('is called off by a return, and never touches a new user with the same address', async () => {
    const { email } = await user();
    await deactivate();
    await departures.reactivate(owner, leaver.userId);
    expect(await deletions()).toMatchObject([{ status: 'cancelled' }]);
    await deactivate();
    await departures.delete(owner, leaver.userId);
    const next = await identity.aUser(owner, { email: email! });
    identity.clock.advanceDays(31);
    await drain();
    expect(await identity.call(usersGet, { principal: owner, params: { id: next.id } })).toMatchObject({
      status: 'active',
    });
  });
});
