import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import {
  accountUpdate,
  auditList,
  bulkDeparturesGet,
  caretakerPut,
  departuresBulk,
  departuresCancel,
  departuresList,
  legalHoldPut,
  policyPut,
  usersConvert,
  usersDeactivate,
  usersDelete,
  usersReactivate,
  usersReassign,
  usersTransfer,
  usersUpdate,
  type Departure,
  type Principal,
  type LeavingTransition,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { Provider } from '../../../testing/provider.js';
import { ScheduleWorker } from './schedule.worker.js';

type Outcome = 'stays' | 'superseded' | 'cancelled' | 'refused';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
/** Schedules everything, and may leave. */
let admin: Principal;
let leaver: Principal;
let email: string;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  admin = await identity.aPerson(owner, { roles: ['admin'] });
  const user = await identity.aUser(owner, { roles: ['agent'] });
  leaver = { accountId: owner.accountId, userId: user.id, roles: user.roles };
  email = user.email!;
});
afterAll(() => departures.stop());

const DUE = 5;
const inDays = (days: number) => new Date(identity.clock.millis() + days * 86_400_000).toISOString();
const ofLeaver = () => ({ principal: owner, params: { id: leaver.userId } });
const deactivate = (body = {}) => identity.call(usersDeactivate, { ...ofLeaver(), body });
const remove = (body = {}) => identity.call(usersDelete, { ...ofLeaver(), body });
const bulk = async (transition: LeavingTransition) => {
  const body = { transition, users: [{ userId: leaver.userId }] };
  const { id } = await identity.call(departuresBulk, { principal: owner, body });
  const row = await eventually(async () => {
    const { rows } = await identity.call(bulkDeparturesGet, { principal: owner, params: { id } });
    expect(rows[0]!.status).not.toBe('waiting');
    return rows[0]!;
  });
  if (row.status === 'refused') throw new Error(row.code);
  return row;
};
const provider = () => Provider.of(identity, owner);
const saysActive = async (active: boolean) =>
  void (await (await provider()).users.change(leaver.userId, [{ op: 'replace', value: { active } }]));
const isDue = async (days: number) => {
  identity.clock.advanceDays(days);
  await identity.get(ScheduleWorker).drain();
  await eventually(async () => {
    identity.get(ScheduleWorker).wake();
    const due = sql`select from departure where user_id = ${leaver.userId} and status = 'scheduled'
      and effective_at <= ${identity.clock.now()}`;
    expect(await identity.query(due)).toEqual([]);
  });
};

/** Requests something that needs an approval, in an account that needs none for what happens then. */
const waits = async (request: () => Promise<{ id: string }>) => {
  await identity.call(policyPut, { principal: owner, body: { approvals: { deleted: true, destructive: true } } });
  const waiting = await request();
  await identity.call(policyPut, { principal: owner, body: { approvals: { deleted: false, destructive: false } } });
  return waiting;
};

/** What is scheduled or waits, by column: the departure that the cells are about. */
const COLUMNS: Record<string, () => Promise<{ id: string }>> = {
  deactivation: () => departures.deactivate(admin, leaver.userId, { effectiveAt: inDays(DUE) }),
  'deletion, user active': () => departures.delete(admin, leaver.userId, { effectiveAt: inDays(DUE) }),
  'deletion, user deactivated': async () => {
    await departures.deactivate(admin, leaver.userId);
    return departures.delete(admin, leaver.userId, { effectiveAt: inDays(DUE) });
  },
  'erasure by the policy': async () => {
    await identity.call(policyPut, { principal: owner, body: { eraseAfterDays: DUE } });
    await departures.deactivate(admin, leaver.userId);
    const query = { userId: leaver.userId, status: 'scheduled' as const };
    return (await identity.call(departuresList, { principal: owner, query })).items[0]!;
  },
  return: async () => {
    await departures.deactivate(admin, leaver.userId, { returnAt: inDays(DUE) });
    const query = { userId: leaver.userId, status: 'scheduled' as const };
    return (await identity.call(departuresList, { principal: owner, query })).items[0]!;
  },
  'deactivation that waits for approval': () =>
    waits(() => departures.deactivate(admin, leaver.userId, { overrides: { 'telephony.records': 'delete' } })),
  'deletion that waits for approval': () => waits(() => departures.delete(admin, leaver.userId)),
};
/** The status of a departure to which nothing has happened. */
const before = (scheduled: string) => (scheduled.endsWith('for approval') ? 'awaiting-approval' : 'scheduled');

/** What happens, by row. */
const ROWS: Record<string, (scheduledId: string) => Promise<unknown>> = {
  deactivation: () => deactivate(),
  'deactivation with `returnAt`': () => deactivate({ returnAt: inDays(9) }),
  'deactivation in bulk': () => bulk('deactivated'),
  'SCIM `active: false`': () => saysActive(false),
  'the scheduled deactivation is due': async () => {
    await deactivate({ effectiveAt: inDays(1) });
    await isDue(1);
  },
  deletion: () => remove(),
  'deletion in bulk': () => bulk('deleted'),
  'SCIM `DELETE`': async () => void (await (await provider()).users.remove(leaver.userId)),
  'the scheduled deletion is due': async () => {
    await remove({ effectiveAt: inDays(1) });
    await isDue(1);
  },
  'conversion to a shared inbox': () =>
    identity.call(usersConvert, { ...ofLeaver(), body: { name: 'Front desk', memberIds: [admin.userId] } }),
  reactivation: () => identity.call(usersReactivate, { ...ofLeaver(), body: {} }),
  'SCIM `active: true`': () => saysActive(true),
  'SCIM `POST` of the same person': async () =>
    void (await (await provider()).users.create({ userName: email, displayName: 'Uma' })),
  'the scheduled return is due': async (scheduledId) => {
    // Today a deletion after a return is refused.
    await identity.query(sql`
      insert into departure (id, account_id, user_id, transition, status, requested_by, requested_at, effective_at, total)
      select gen_random_uuid(), account_id, user_id, 'reactivated', 'scheduled', requested_by, requested_at,
        ${inDays(1)}::timestamptz, 0 from departure where id = ${scheduledId}`);
    await isDue(1);
  },
  'transfer to another person': async () => {
    const body = { name: 'Vera', email: 'v@example.com', staffId: 'V' };
    await identity.call(usersTransfer, { ...ofLeaver(), body });
  },
  'reassignment of rows to another user': async () => {
    const body = { rules: ['telephony.records'], to: admin.userId };
    await identity.call(usersReassign, { ...ofLeaver(), body });
  },
  'deactivation scheduled before it': () => deactivate({ effectiveAt: inDays(1) }),
  'deactivation scheduled after it': () => deactivate({ effectiveAt: inDays(9) }),
  'deactivation with `returnAt` scheduled before it': () => deactivate({ effectiveAt: inDays(1), returnAt: inDays(2) }),
  'deletion scheduled before it': () => remove({ effectiveAt: inDays(1) }),
  'deletion scheduled after it': () => remove({ effectiveAt: inDays(9) }),
  'it is cancelled by `POST /v1/departures/{id}/cancel`': (id) =>
    identity.call(departuresCancel, { principal: owner, params: { id } }),
  'change of roles': () => identity.call(usersUpdate, { ...ofLeaver(), body: { roles: ['admin'] } }),
  'legal hold': () => identity.call(legalHoldPut, { ...ofLeaver(), body: { reason: 'Smith v. Acme' } }),
  'caretaker set': () => identity.call(caretakerPut, { ...ofLeaver(), body: { caretakerId: admin.userId } }),
  'change of the policy or of `retentionDays`': async () => {
    await identity.call(policyPut, { principal: owner, body: { preset: 'crm' } });
    await identity.call(accountUpdate, { principal: owner, body: { retentionDays: 30 } });
  },
  'the user who scheduled it leaves': () => departures.deactivate(owner, admin.userId),
};

const cells = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The table of docs/scheduling.md. */
function table(): [what: string, scheduled: string, outcome: string][] {
  const text = readFileSync(new URL('../../../../../../docs/scheduling.md', import.meta.url), 'utf8');
  const [head, , ...rows] = text.split('\n').filter((line) => line.startsWith('|'));
  const [, ...columns] = cells(head!);
  return rows
    .map(cells)
    .flatMap(([what, ...outcomes]) =>
      outcomes.map((outcome, index): [string, string, string] => [what!, columns[index]!, outcome]),
    );
}

it('the document names every pair of what happens and what is scheduled', () => {
  expect(table().map(([what, scheduled]) => `${what} × ${scheduled}`)).toEqual(
    Object.keys(ROWS).flatMap((what) => Object.keys(COLUMNS).map((scheduled) => `${what} × ${scheduled}`)),
  );
});

it.each(table().filter(([, , outcome]) => outcome !== '–'))('%s × %s: %s', async (what, scheduled, outcome) => {
  const { id } = await COLUMNS[scheduled]!();
  let answer: unknown;
  const happened = await outcomeOf(ROWS[what]!(id).then((given) => (answer = given)));
  if (outcome === 'refused') expect(happened).toContain('conflict');
  const departure = await departures.get(owner, id);
  expect([happened === 'ok' ? departure.status : 'refused', departure.status]).toEqual(
    expected(outcome as Outcome, before(scheduled)),
  );
  await expectAnnounced(departure, answer);
});

const expected = (outcome: Outcome, before: string) =>
  outcome === 'refused' ? ['refused', before] : outcome === 'stays' ? [before, before] : [outcome, outcome];

/** What a decision has ended is in its answer, in the trail and among the events, and nothing else is. */
async function expectAnnounced({ id, status, calledOffBy }: Departure, answer: unknown): Promise<void> {
  const query = { action: 'departure.cancelled', subjectId: leaver.userId };
  const { items: entries } = await identity.call(auditList, { principal: owner, query });
  const events = await identity.query(sql`
    select from departure_news where departure_id = ${id} and type = 'departure.cancelled'`);
  const ended = status !== 'scheduled' && status !== 'awaiting-approval';
  expect([entries.length, events.length]).toEqual(ended ? [1, 1] : [0, 0]);
  if (calledOffBy) expect((await departures.get(owner, calledOffBy)).calledOff).toMatchObject([{ id }]);
  if (calledOffBy && answer) expect(answer).toMatchObject({ calledOff: [{ id }] });
}
