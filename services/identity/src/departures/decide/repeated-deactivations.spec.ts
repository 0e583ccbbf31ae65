import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  bulkDeparturesGet,
  departurePreview,
  departuresBulk,
  departuresList,
  usersGet,
  type BulkRequest,
  type Departure,
  type DepartureRequest,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../testing/departures.js';
import { outcomeOf, ownerOf, tally, type TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';
import { ScheduleWorker } from './schedule/schedule.worker.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
let left: Departure;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  leaver = await identity.aPerson(owner);
  left = await departures.deactivate(owner, leaver.userId, { returnAt: inDays(3) });
});
afterAll(() => departures.stop());

const inDays = (days: number) => new Date(identity.clock.millis() + days * 86_400_000).toISOString();
const again = (body: DepartureRequest = {}) => departures.deactivate(owner, leaver.userId, body);
const theReturn = async () => {
  const { items } = await identity.call(departuresList, { principal: owner, query: { userId: leaver.userId } });
  return items.find((one) => one.transition === 'reactivated')!;
};
const calledOffBy = async (by: object) => {
  const back = await theReturn();
  expect(back).toMatchObject({ status: 'cancelled', calledOffBy: left.id });
  const query = { action: 'departure.cancelled', subjectId: leaver.userId };
  const { items } = await identity.call(auditList, { principal: owner, query });
  expect(items).toMatchObject([{ ...by, detail: { departureId: back.id, calledOffBy: left.id } }]);
  identity.clock.advanceDays(4);
  await identity.get(ScheduleWorker).drain();
  const user = await identity.call(usersGet, { principal: owner, params: { id: leaver.userId } });
  expect(user.status).toBe('deactivated');
};
const bulk = async (body: Partial<BulkRequest>) => {
  const users = [{ userId: leaver.userId }];
  const { id } = await identity.call(departuresBulk, {
    principal: owner,
    body: { transition: 'deactivated', users, ...body },
  });
  return eventually(async () => {
    const { rows } = await identity.call(bulkDeparturesGet, { principal: owner, params: { id } });
    expect(rows[0]!.status).not.toBe('waiting');
    return rows[0]!;
  });
};

describe('a deactivation of somebody who is away for a time calls the return off', () => {
  it('by a manager: the answer is the departure from which they would have returned', async () => {
    const { id, effectiveAt } = await theReturn();
    const answer = await again();
    expect(answer).toMatchObject({ id: left.id, calledOff: [{ id, transition: 'reactivated', effectiveAt }] });
    await calledOffBy({ actor: { id: owner.userId } });
    expect(await outcomeOf(again())).toBe('conflict');
  });

  it('in a bulk departure', async () => {
    const { id } = await theReturn();
    expect(await bulk({})).toMatchObject({ departureId: left.id, calledOff: [{ id }] });
    await calledOffBy({ actor: { id: owner.userId } });
  });

  it.each([
    [
      'PATCH',
      (provider: Provider) => provider.users.change(leaver.userId, [{ op: 'replace', value: { active: false } }]),
    ],
    ['PUT', (provider: Provider) => provider.users.replace(leaver.userId, { userName: 'uma', active: false })],
  ])('by the identity provider with %s', async (_, say) => {
    const provider = await Provider.of(identity, owner);
    expect(await say(provider)).toMatchObject({ active: false });
    await calledOffBy({ actor: null, system: 'system (scim)' });
  });

  it('once for many who ask at the same moment', async () => {
    expect(await tally(Array.from({ length: 8 }, () => again()))).toEqual({ conflict: 7, ok: 1 });
    await calledOffBy({ actor: { id: owner.userId } });
  });

  it('with the token of a preview that still holds', async () => {
    const query = { transition: 'deactivated' as const };
    const { planToken } = await identity.call(departurePreview, {
      principal: owner,
      params: { id: leaver.userId },
      query,
    });
    expect(await outcomeOf(again({ planToken: 'made up' }))).toBe('plan-stale');
    expect(await outcomeOf(again({ planToken }))).toBe('ok');
  });
});

describe('the return stays', () => {
  it('for a request that asks for more, which is told how to go on', async () => {
    const { id } = await theReturn();
    const more: DepartureRequest[] = [
      { returnAt: inDays(9) },
      { successors: { default: owner.userId } },
      { overrides: { 'telephony.calls': 'keep' } },
    ];
    for (const request of more) {
      const refused = await again(request).catch((problem: unknown) => problem);
      expect(refused).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('call that return off'),
        details: { items: [id] },
      });
    }
    expect(await bulk({ successors: { default: owner.userId } })).toMatchObject({
      status: 'refused',
      code: 'conflict',
    });
    expect((await theReturn()).status).toBe('scheduled');
  });

  it('for those who may not decide it, and for a provider that says nothing of `active`', async () => {
    const agent = await identity.aPerson(owner);
    expect(await outcomeOf(departures.deactivate(agent, leaver.userId))).toBe('forbidden');
    const provider = await Provider.of(identity, owner);
    await provider.users.change(leaver.userId, [{ op: 'replace', path: 'displayName', value: 'Uma Away' }]);
    expect((await theReturn()).status).toBe('scheduled');
  });
});

it('a provider that says again that somebody is active leaves their scheduled deactivation as it is', async () => {
  const other = await identity.aPerson(owner);
  const { id } = await departures.deactivate(owner, other.userId, { effectiveAt: inDays(1) });
  const provider = await Provider.of(identity, owner);
  await provider.users.change(other.userId, [{ op: 'replace', value: { active: true } }]);
  expect((await departures.get(owner, id)).status).toBe('scheduled');
});

it('a return called off in a bulk departure does not keep the others from leaving', async () => {
  const other = await identity.aPerson(owner);
  const { id } = await identity.call(departuresBulk, {
    principal: owner,
    body: { transition: 'deactivated', users: [{ userId: leaver.userId }, { userId: other.userId }] },
  });
  await eventually(async () => {
    const { counts } = await identity.call(bulkDeparturesGet, { principal: owner, params: { id } });
    expect(counts).toMatchObject({ accepted: 2, refused: 0 });
  });
  const rows = await identity.query(sql`select from audit_entry
    where subject_id = ${leaver.userId} and action = 'departure.cancelled'`);
  expect(rows).toHaveLength(1);
});
