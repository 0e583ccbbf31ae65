import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  authenticate,
  declareRulesOf,
  departureDraftGet,
  departureDraftPut,
  departureRows,
  departuresCertificate,
  departuresHandover,
  departuresList,
  departuresRetry,
  legalHoldPut,
  myApiTokensCreate,
  previewedRows,
  usersGet,
  usersReassign,
  usersSuspend,
  usersUpdate,
  type Departure,
  type Principal,
  type ReassignmentRequest,
  type RuleDescription,
} from '#libs/contracts';
import { affectedBy, TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';

const [RECORDS, CALLS] = ['telephony.records', 'telephony.calls'];

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let person: Principal;
let heir: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  [person, heir] = [await identity.aPerson(owner), await identity.aPerson(owner)];
  await give('record', 3);
  await give('call', 2);
});
afterAll(() => departures.stop());

const give = (kind: string, count: number, { accountId, userId } = person) =>
  departures.peer.give(accountId, userId, kind, count);
const owned = ({ userId }: Principal) =>
  Promise.all(['record', 'call'].map((kind) => departures.peer.owned(userId, kind)));
const reassign = (body: Partial<ReassignmentRequest> = {}, { by = owner, of = person } = {}) =>
  identity.call(usersReassign, {
    principal: by,
    params: { id: of.userId },
    body: { rules: [RECORDS], to: heir.userId, ...body },
  });
const refusal = (...args: Parameters<typeof reassign>) => outcomeOf(reassign(...args));
const completed = async (body?: Partial<ReassignmentRequest>): Promise<Departure> => {
  const { id } = await reassign(body);
  return departures.until(owner, { id: id! }, 'completed');
};
const userOf = ({ userId: id }: Principal) => identity.call(usersGet, { principal: owner, params: { id } });

describe('a reassignment', () => {
  it('hands over the rows that its dry run has counted, with receipts, while the user stays', async () => {
    const principal = await identity.signedIn(person);
    const { token } = await identity.call(myApiTokensCreate, { principal, body: { name: 'Phone', scopes: ['read'] } });
    const before = await userOf(person);
    const planned = await reassign({ dryRun: true });
    expect(planned).toMatchObject({ transition: 'reassigned', dryRun: true, possible: true, blockers: [] });
    expect(planned.rules).toMatchObject([{ rule: RECORDS, action: 'transfer', successorId: heir.userId, count: 3 }]);
    expect([planned.id, await owned(person)]).toEqual([undefined, [3, 2]]);
    const departure = await completed();
    expect(departure).toMatchObject({ transition: 'reassigned', userId: person.userId, requestedBy: owner.userId });
    expect(affectedBy(departure)).toEqual({ [`${RECORDS} reassigned`]: 3 });
    expect([await owned(person), await owned(heir)]).toEqual([
      [0, 2],
      [3, 0],
    ]);
    expect(await userOf(person)).toEqual({ ...before, lifecycleVersion: before.lifecycleVersion + 1 });
    expect(await identity.client.ask(authenticate, { token })).not.toBeNull();
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: person.userId } });
    const entry = items.find(({ action }) => action === 'user.reassigned');
    expect(entry).toMatchObject({ detail: { rules: [RECORDS], to: heir.userId, departureId: departure.id } });
  });

  it('is in the lists of departures, in the receiver’s report, and in no certificate', async () => {
    const { id } = await completed({ rules: [RECORDS, CALLS] });
    const { items } = await identity.call(departuresList, { principal: owner, query: { transition: 'reassigned' } });
    expect(items.map((one) => one.id)).toEqual([id]);
    const { parts } = await identity.call(departuresHandover, { principal: heir, params: { id }, query: {} });
    expect(parts).toMatchObject([{ receiver: { id: heir.userId }, affected: 5 }]);
    expect(await outcomeOf(identity.call(departuresCertificate, { principal: owner, params: { id } }))).not.toBe('ok');
    const query = { rule: RECORDS, transition: 'reassigned' as const };
    const listed = await identity.call(departureRows, { principal: owner, params: { id }, query });
    expect(listed).toMatchObject({ items: [], reason: 'not-recorded' });
    const left = await identity.call(previewedRows, { principal: owner, params: { id: person.userId }, query });
    expect(left.items).toEqual([]);
  });

  it('does not keep a later departure from handling the rest, and stays when that is undone', async () => {
    await completed();
    await give('record', 1);
    const overrides = { [RECORDS]: 'transfer' as const };
    const left = await departures.deactivate(owner, person.userId, { overrides });
    const rules = affectedBy(await departures.until(owner, left, 'completed'));
    expect(rules).toMatchObject({ [`${RECORDS} deactivated`]: 1, [`${CALLS} deactivated`]: 2 });
    const back = await departures.reactivate(owner, person.userId, { restore: 'all' });
    await departures.until(owner, back, 'completed');
    expect([await owned(person), await owned(heir)]).toEqual([
      [1, 2],
      [3, 0],
    ]);
  });

  it('ends no suspension, schedule or draft, and is possible under legal hold', async () => {
    const params = { id: person.userId };
    await identity.call(usersSuspend, { principal: owner, params });
    await identity.call(legalHoldPut, { principal: owner, params, body: { reason: 'Smith v. Acme' } });
    const effectiveAt = new Date(identity.clock.millis() + 86_400_000).toISOString();
    const scheduled = await departures.deactivate(owner, person.userId, { effectiveAt });
    const draft = { transition: 'deactivated' as const };
    await identity.call(departureDraftPut, { principal: owner, params, body: draft });
    await completed();
    expect(await userOf(person)).toMatchObject({ status: 'active', suspendedAt: expect.any(String), legalHold: true });
    expect((await departures.get(owner, scheduled.id)).status).toBe('scheduled');
    expect(await identity.call(departureDraftGet, { principal: owner, params })).toMatchObject(draft);
  });

  it('is refused while another decision is open, and superseded by a departure', async () => {
    await departures.peer.pause();
    const { id } = await reassign();
    const again = await reassign({ rules: [CALLS], dryRun: true });
    expect(again).toMatchObject({ possible: false, blockers: [{ code: 'conflict', items: [id] }] });
    expect(again.uncounted).toMatchObject([{ service: 'telephony' }]);
    expect(await refusal({ rules: [CALLS] })).toBe('conflict');
    const left = await departures.deactivate(owner, person.userId);
    await departures.peer.start();
    await departures.until(owner, left, 'completed');
    expect((await departures.get(owner, id!)).status).toBe('superseded');
    expect(await owned(heir)).toEqual([0, 0]);
  });

  it('that is open can be retried, and is applied once', async () => {
    await departures.peer.pause();
    const { id } = await reassign();
    await identity.call(departuresRetry, { principal: owner, params: { id: id! } });
    await departures.peer.start();
    const departure = await departures.until(owner, { id: id! }, 'completed');
    expect(affectedBy(departure)).toEqual({ [`${RECORDS} reassigned`]: 3 });
    expect([await owned(person), await owned(heir)]).toEqual([
      [0, 2],
      [3, 0],
    ]);
  });

  it('that has failed is superseded by another one', async () => {
    const { id } = await completed();
    await identity.query(sql`update departure set status = 'failed' where id = ${id}`);
    await completed({ rules: [CALLS] });
    expect((await departures.get(owner, id)).status).toBe('superseded');
  });
});

describe('a reassignment is refused', () => {
  it('for rules that are unknown or hand nothing over, and for receivers who cannot take over', async () => {
    expect(await refusal({ rules: ['telephony.nothing'] })).toBe('unknown-rule');
    const error = await reassign({ rules: [RECORDS, 'identity.sessions', 'identity.credentials'] }).catch(
      (problem: unknown) => problem,
    );
    expect(error).toMatchObject({
      code: 'invalid-action',
      message: 'These rules cannot be handed over: identity.sessions, identity.credentials.',
    });
    const stranger = ownerOf(await identity.anAccount());
    const invited = await identity.aPerson(owner, { password: undefined });
    for (const { userId } of [person, stranger, invited])
      expect([await refusal({ to: userId }), await refusal({ to: userId, dryRun: true })]).toEqual([
        'invalid-successor',
        'invalid-successor',
      ]);
  });

  it('for users who have left or not yet come, and for callers who do not manage the user', async () => {
    const [gone, invited] = [await identity.aPerson(owner), await identity.aPerson(owner, { password: undefined })];
    await departures.until(owner, await departures.deactivate(owner, gone.userId), 'completed');
    expect(await refusal({}, { of: gone })).toBe('conflict');
    expect(await refusal({}, { of: invited })).toBe('conflict');
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    expect(await refusal({}, { by: admin, of: owner })).toBe('forbidden');
    expect(await refusal({}, { by: person })).toBe('forbidden');
    expect(await refusal({}, { by: ownerOf(await identity.anAccount()) })).toBe('not-found');
    await identity.call(usersUpdate, { principal: owner, params: { id: admin.userId }, body: { roles: ['agent'] } });
    expect(await refusal({}, { by: admin })).toBe('forbidden');
  });
});

describe('a service of a version that does not know reassignments', () => {
  const SERVICE = 'messaging';
  beforeAll(async () => {
    const described = { allowed: ['keep', 'transfer'] as const, default: { action: 'keep' as const }, presets: {} };
    const rule = { id: `${SERVICE}.threads`, service: SERVICE, label: 'Threads', position: 0, fixed: false };
    const rules: RuleDescription[] = [{ ...rule, transitions: { deactivated: described } }];
    await identity.client.ask(declareRulesOf(SERVICE), { service: SERVICE, rules });
  });
  afterAll(() => identity.query(sql`delete from service_rules where service = ${SERVICE}`));

  it('has no rules that can be handed over, and is not waited for', async () => {
    expect(await refusal({ rules: [`${SERVICE}.threads`] })).toBe('invalid-action');
    const { services } = await completed();
    expect(services.map(({ service }) => service)).toEqual(['identity', 'telephony']);
  });
});
