import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  auditList,
  bulkDeparturesApprove,
  bulkDeparturesGet,
  bulkDeparturesRefuse,
  departuresBulk,
  departuresBulkPlanned,
  policyPut,
  usersUpdate,
  type BulkApprovalRequest,
  type BulkDeparture,
  type BulkRequest,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { ApprovalCast, DESTRUCTIVE, problemOf } from '../../../../testing/approvals.js';
import { TestDepartures } from '../../../../testing/departures.js';
import { outcomeOf, ownerOf, tally, type TestIdentity } from '../../../../testing/identity.js';
import { BulkWorker } from '../bulk.worker.js';

let departures: TestDepartures;
let identity: TestIdentity;
let cast: ApprovalCast;
let leavers: Principal[];
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  cast = await ApprovalCast.of(departures);
  leavers = await Promise.all([1, 2, 3].map(() => identity.aPerson(cast.owner)));
  await cast.choose({ deleted: false, bulkAbove: 2 });
});
afterAll(() => departures.stop());

const listOf = (some: readonly Principal[]) => some.map(({ userId }) => ({ userId }));
const start = (body: Partial<BulkRequest> = {}, by = cast.ada) =>
  identity.call(departuresBulk, {
    principal: by,
    body: { transition: 'deactivated', users: listOf(leavers), ...body },
  });
const get = ({ id }: { id: string }): Promise<BulkDeparture> =>
  identity.call(bulkDeparturesGet, { principal: cast.owner, params: { id } });
const approve = ({ id }: { id: string }, by = cast.ben, body: BulkApprovalRequest = {}) =>
  identity.call(bulkDeparturesApprove, { principal: by, params: { id }, body });
const refuse = ({ id }: { id: string }, by = cast.ben) =>
  identity.call(bulkDeparturesRefuse, { principal: by, params: { id }, body: { reason: 'Wrong site' } });
const until = (bulk: { id: string }, status: BulkDeparture['status'] = 'completed') =>
  eventually(async () => {
    const latest = await get(bulk);
    expect(latest.status).toBe(status);
    return latest;
  });
const audited = async (action: string) =>
  (await identity.call(auditList, { principal: cast.owner, query: { action } })).items;
const aDryRun = async () => {
  const body: BulkRequest = { transition: 'deactivated', users: listOf(leavers), ...DESTRUCTIVE };
  const { id } = await identity.call(departuresBulkPlanned(), { principal: cast.ada, query: { dryRun: true }, body });
  const { planToken } = await until({ id });
  return { body, planToken: planToken! };
};

describe('a list that needs an approval', () => {
  it('waits as a whole, and is carried out when another manager approves it', async () => {
    const started = await start({ reason: 'Site closed' });
    await identity.get(BulkWorker).drain();
    const waiting = await get(started);
    expect(waiting).toMatchObject({
      status: 'awaiting-approval',
      approval: { neededFor: ['bulk'], requestedBy: cast.ada.userId, immediate: true },
      counts: { total: 3, waiting: 3 },
    });
    expect(await audited('departure.bulk-requested')).toMatchObject([{ detail: { neededFor: ['bulk'] } }]);
    expect(await outcomeOf(approve(started, cast.ada))).toBe('own-request');
    expect(await approve(started)).toMatchObject({ status: 'running', approval: { decidedBy: cast.ben.userId } });
    const done = await until(started);
    expect(done.counts).toMatchObject({ accepted: 3, completed: 3 });
    expect(await departures.get(cast.owner, done.rows[0]!.departureId!)).toMatchObject({
      ...{ requestedBy: cast.ada.userId, reason: 'Site closed' },
    });
    expect(await audited('departure.bulk-approved')).toMatchObject([{ actor: { id: cast.ben.userId } }]);
  });

  it('is one of too many users, deletions, or with overrides that destroy more', async () => {
    const two = { users: listOf(leavers.slice(1)) };
    expect((await get(await start(two))).approval).toBeUndefined();
    await cast.choose({ bulkAbove: null, deleted: true, destructive: true });
    const one = { users: listOf(leavers.slice(0, 1)) };
    expect((await get(await start({ ...one, ...DESTRUCTIVE }))).approval).toMatchObject({ neededFor: ['destructive'] });
    expect((await get(await start({ ...one, transition: 'deleted' }))).approval).toMatchObject({
      neededFor: ['deleted'],
    });
  });

  it('can name staff ids, and shows what contacts are told', async () => {
    const staffIds = leavers.map((_, index) => `${cast.owner.accountId}-${index}`);
    await Promise.all(
      leavers.map(({ userId }, index) =>
        identity.call(usersUpdate, {
          principal: cast.owner,
          params: { id: userId },
          body: { staffId: staffIds[index] },
        }),
      ),
    );
    const [csv, tellContacts] = [`staffId\n${staffIds.join('\n')}\n`, { text: 'They have left.' }];
    const started = await start({ users: undefined, csv, tellContacts });
    expect(await get(started)).toMatchObject({ status: 'awaiting-approval', counts: { total: 3 }, tellContacts });
    await approve(started);
    const { rows } = await until(started);
    expect(rows.map(({ userId }) => userId)).toEqual(leavers.map(({ userId }) => userId));
    expect(await outcomeOf(start({ csv }))).toBe('validation');
    expect(await outcomeOf(start({ users: undefined }))).toBe('validation');
  });

  it('is refused, or withdrawn by the requester, with all its rows', async () => {
    const [one, other] = [await start(), await start()];
    expect(await refuse(one)).toMatchObject({
      status: 'completed',
      counts: { refused: 3 },
      approval: { decidedBy: cast.ben.userId, reason: 'Wrong site' },
    });
    expect((await get(one)).rows.map(({ code }) => code)).toEqual(Array(3).fill('approval-refused'));
    await refuse(other, cast.ada);
    expect([await outcomeOf(approve(one)), await outcomeOf(approve(other))]).toEqual(['conflict', 'conflict']);
    expect(await audited('departure.bulk-approval-refused')).toHaveLength(1);
    expect(await audited('departure.bulk-withdrawn')).toHaveLength(1);
  });

  it('expires', async () => {
    const started = await start();
    identity.clock.advanceDays(7);
    expect(await outcomeOf(approve(started))).toBe('approval-expired');
    await cast.expire();
    const expired = await until(started);
    expect(expired.rows.map(({ code }) => code)).toEqual(Array(3).fill('approval-expired'));
    expect(await outcomeOf(approve(started))).toBe('approval-expired');
  });

  it('is bound to the policy, and can be approved under the new one', async () => {
    const started = await start();
    const overrides = { 'telephony.records': { deactivated: 'unassign' as const } };
    await identity.call(policyPut, { principal: cast.owner, body: { overrides } });
    expect(await outcomeOf(approve(started))).toBe('plan-stale');
    const { planToken } = await get(started);
    const other = await get(await start({ users: listOf([...leavers, cast.leaver]) }));
    expect(await outcomeOf(approve(started, cast.ben, { planToken: other.planToken }))).toBe('plan-stale');
    expect(await outcomeOf(approve(started, cast.ben, { planToken }))).toBe('ok');
  });

  it('is bound to its dry run, and expires with it', async () => {
    await cast.choose({ days: 30 });
    await departures.peer.give(cast.owner.accountId, leavers[0]!.userId, 'record');
    const { body, planToken } = await aDryRun();
    const started = await identity.call(departuresBulkPlanned(), {
      ...{ principal: cast.ada, body: { ...body, planToken } },
    });
    const { approval } = await get(started);
    expect(Date.parse(approval!.expiresAt)).toBeLessThan(Date.parse(cast.inDays(8)));
    await departures.peer.give(cast.owner.accountId, leavers[0]!.userId, 'record');
    expect(await problemOf(approve(started))).toMatchObject({
      code: 'plan-stale',
      details: { changes: [expect.objectContaining({ rule: 'telephony.records' })] },
    });
    expect(await outcomeOf(approve(started, cast.ben, { planToken: (await aDryRun()).planToken }))).toBe('ok');
    await until(started);
    expect(await departures.peer.owned(leavers[0]!.userId, 'record')).toBe(0);
  });

  it('is decided by managers of the account, by an owner if it names one, and by somebody who stays', async () => {
    const second = await identity.aPerson(cast.owner, { roles: ['owner'] });
    const started = await start({ users: listOf([...leavers, second]) }, cast.owner);
    expect(await outcomeOf(approve(started))).toBe('forbidden');
    expect(await outcomeOf(approve(started, second))).toBe('ok');
    const next = await start();
    expect(await outcomeOf(approve(next, ownerOf(await identity.anAccount())))).toBe('not-found');
    expect(await outcomeOf(approve(next, cast.leaver))).toBe('forbidden');
    const everybody = listOf([cast.owner, cast.ben, second, ...leavers]);
    expect(await outcomeOf(start({ users: everybody }))).toBe('no-approver');
  });

  it('is decided once', async () => {
    const started = await start();
    expect(await tally([approve(started), refuse(started, cast.owner), approve(started, cast.owner)])).toEqual({
      ...{ conflict: 2, ok: 1 },
    });
  });
});

it('a list that waits stays, is cancelled or is transferred when its requester leaves', async () => {
  const RULE = 'identity.scheduled-departures';
  const [kept, next] = [await start(), await identity.aPerson(cast.owner, { roles: ['admin'] })];
  const other = await start({}, next);
  await departures.until(
    cast.owner,
    await departures.deactivate(cast.owner, cast.ada.userId, {
      ...{ overrides: { [RULE]: 'transfer' }, successors: { [RULE]: cast.ben.userId } },
    }),
    'completed',
  );
  expect((await get(kept)).status).toBe('awaiting-approval');
  expect(await outcomeOf(approve(kept))).toBe('own-request');
  const gone = await departures.deactivate(cast.owner, next.userId, { overrides: { [RULE]: 'cancel' } });
  await departures.until(cast.owner, gone, 'completed');
  expect(await get(other)).toMatchObject({ status: 'completed', counts: { refused: 3 } });
  expect(await outcomeOf(approve(kept, cast.owner))).toBe('ok');
});
