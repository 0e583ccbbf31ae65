import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  bulkDeparturesGet,
  departureDraftPut,
  departuresBulk,
  departuresHandover,
  Problem,
  teamsCreate,
  teamsGet,
  teamsRemove,
  teamMembersAdd,
  usersGet,
  usersUpdate,
  type Departure,
  type DepartureRequest,
  type NamedSuccessors,
  type Principal,
  type SuccessorChoice,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { TestDepartures } from '../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../testing/identity.js';
import { ScheduleWorker } from './decide/schedule/schedule.worker.js';

const DAY = 86_400_000;
const NOBODY_ID = '01890000-0000-7000-8000-000000000000';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: string;
let boss: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  leaver = (await identity.aUser(owner)).id;
  boss = await identity.aPerson(owner);
  await departures.peer.give(owner.accountId, leaver, 'call', 3);
});
afterAll(() => departures.stop());

const report = (managerId: string | null) =>
  identity.call(usersUpdate, { principal: owner, params: { id: leaver }, body: { managerId } });
const giving = (choice: SuccessorChoice, rule = 'telephony.calls'): NamedSuccessors => ({ [rule]: choice });
const deactivate = (body: DepartureRequest, id = leaver) => departures.deactivate(owner, id, body);
const inDays = (days: number) => new Date(identity.clock.millis() + days * DAY).toISOString();
const ended = async (departure: Pick<Departure, 'id'>) => departures.until(owner, departure, 'completed');
const lineOf = ({ services }: Departure) =>
  services.flatMap(({ rules }) => rules).find(({ rule }) => rule === 'telephony.calls')!;
const calls = (userId: string) => departures.peer.owned(userId, 'call');
/** Does the work before the day comes. */
const tomorrow = async (work: () => Promise<unknown>) => {
  await work();
  identity.clock.advance(DAY);
  identity.get(ScheduleWorker).wake();
};

async function aTeam(members: readonly string[]): Promise<string> {
  const { id } = await identity.call(teamsCreate, { principal: owner, body: { name: `Support ${++teams}` } });
  for (const userId of members) await identity.call(teamMembersAdd, { principal: owner, params: { id, userId } });
  return id;
}
let teams = 0;

/** The refusal's ids and its sentence. */
async function refusalOf(call: Promise<unknown>): Promise<{ items?: unknown[]; detail?: string }> {
  const problem: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(problem instanceof Problem)) throw new Error('it was not refused');
  expect(problem.code).toBe('invalid-successor');
  return { items: problem.details.items, detail: problem.details.detail };
}

describe('the manager as successor', () => {
  const manager = giving({ manager: true });

  it('gets the rows, and the receipt counts them', async () => {
    await report(boss.userId);
    const departure = await ended(await deactivate({ successors: manager }));
    expect(lineOf(departure).transferredTo).toEqual([{ userId: boss.userId, affected: 3 }]);
    expect(await calls(boss.userId)).toBe(3);
  });

  it('is named in the preview, whose token is stale after another one is set', async () => {
    await report(boss.userId);
    const request = { successors: { default: { manager: true as const } } };
    const preview = await departures.previewOf(owner, leaver, { transition: 'deactivated', ...request });
    expect(preview.successors.named).toMatchObject([
      { rule: 'default', kind: 'manager', users: [{ id: boss.userId }] },
    ]);
    expect(preview.rules.at(-1)).toMatchObject({ rule: 'telephony.calls', successorId: boss.userId });
    await report(owner.userId);
    const outcome = outcomeOf(deactivate({ ...request, planToken: preview.planToken }));
    expect(await outcome).toBe('plan-stale');
  });

  it('is refused if there is none, or if they have left', async () => {
    expect(await refusalOf(deactivate({ successors: manager }))).toMatchObject({ items: [leaver] });
    await report(boss.userId);
    await ended(await deactivate({}, boss.userId));
    const draft = { transition: 'deactivated' as const, successors: manager };
    const refused = [
      () => deactivate({ successors: manager }),
      () => deactivate({ successors: manager, effectiveAt: inDays(1) }),
      () => departures.previewOf(owner, leaver, draft),
      () => identity.call(departureDraftPut, { principal: owner, params: { id: leaver }, body: draft }),
    ];
    for (const call of refused) expect(await refusalOf(call())).toMatchObject({ items: [boss.userId] });
  });

  it('is the one of the day of a scheduled departure', async () => {
    await report(boss.userId);
    const scheduled = await deactivate({ successors: manager, effectiveAt: inDays(1) });
    expect(scheduled.successors).toEqual(manager);
    const next = await identity.aPerson(owner);
    await tomorrow(() => report(next.userId));
    expect(lineOf(await ended(scheduled)).transferredTo).toEqual([{ userId: next.userId, affected: 3 }]);
  });

  it.each(['has left', 'has been removed'])(
    'gives way to the first admin, with a warning, if they %s then',
    async (how) => {
      await report(boss.userId);
      const scheduled = await deactivate({ successors: manager, effectiveAt: inDays(1) });
      await tomorrow(async () => (how === 'has left' ? ended(await deactivate({}, boss.userId)) : report(null)));
      expect(lineOf(await ended(scheduled))).toMatchObject({
        transferredTo: [{ userId: owner.userId, affected: 3 }],
        warning: 'successor-has-left',
      });
    },
  );
});

describe('a team as successor', () => {
  it('shares the rows: receipt and handover report count them per member', async () => {
    const [one, other] = await Promise.all([identity.aPerson(owner), identity.aPerson(owner)]);
    const teamId = await aTeam([one.userId, other.userId]);
    await departures.peer.give(owner.accountId, one.userId, 'call', 1);
    const request = { successors: giving({ teamId, by: 'fewest-open' }) };
    const preview = await departures.previewOf(owner, leaver, { transition: 'deactivated', ...request });
    expect(preview.successors.named).toMatchObject([{ kind: 'team', teamId, by: 'fewest-open', total: 2 }]);
    expect(preview.rules.at(-1)).toMatchObject({ successorTeamId: teamId, count: 3 });
    expect(preview.rules.at(-1)).not.toHaveProperty('successorId');
    const departure = await ended(await deactivate({ ...request, planToken: preview.planToken }));
    const expected = [
      { userId: one.userId, affected: 1 },
      { userId: other.userId, affected: 2 },
    ];
    expect(lineOf(departure).transferredTo).toEqual(expect.arrayContaining(expected));
    expect(await Promise.all([calls(one.userId), calls(other.userId)])).toEqual([2, 2]);
    const handover = await identity.call(departuresHandover, {
      principal: other,
      params: { id: departure.id },
      query: {},
    });
    expect(handover.parts).toMatchObject([{ receiver: { id: other.userId }, affected: 2 }]);
    const events = await identity.query(sql<{ to: string }>`
      select event #>> '{data,departure,policy,rules,telephony.calls,deactivated,to}' as to from outbox
      where user_id = ${leaver} and event->>'type' = 'user.deactivated'`);
    const members = [one.userId, other.userId];
    for (const { to } of events) expect(members).toContain(to);
  });

  it('may get other members after the preview, but is bound with its way', async () => {
    const teamId = await aTeam([boss.userId]);
    const choice = { teamId, by: 'round-robin' as const };
    const { planToken } = await departures.previewOf(owner, leaver, {
      transition: 'deactivated',
      successors: giving(choice),
    });
    const colleague = await identity.aUser(owner);
    await identity.call(teamMembersAdd, { principal: owner, params: { id: teamId, userId: colleague.id } });
    const other = { planToken, successors: giving({ teamId, by: 'fewest-open' }) };
    expect(await outcomeOf(deactivate(other))).toBe('plan-stale');
    expect(await outcomeOf(deactivate({ planToken, successors: giving({ teamId }) }))).toBe('ok');
  });

  it('is refused if it is unknown, or has no active member besides the leaver', async () => {
    const stranger = ownerOf(await identity.anAccount());
    const foreign = await identity.call(teamsCreate, { principal: stranger, body: { name: 'Elsewhere' } });
    for (const teamId of [NOBODY_ID, foreign.id])
      expect(await refusalOf(deactivate({ successors: giving({ teamId }) }))).toMatchObject({ items: [teamId] });
    const teamId = await aTeam([leaver]);
    const refused = await refusalOf(deactivate({ successors: { default: { teamId } } }));
    expect(refused).toEqual({ items: [teamId], detail: expect.stringContaining('no active member') });
  });

  it('gives way to the first admin, with a warning, if it is gone on the day', async () => {
    const teamId = await aTeam([boss.userId]);
    const scheduled = await deactivate({ successors: giving({ teamId }), effectiveAt: inDays(1) });
    await tomorrow(() => identity.call(teamsRemove, { principal: owner, params: { id: teamId } }));
    expect(lineOf(await ended(scheduled))).toMatchObject({
      transferredTo: [{ userId: owner.userId, affected: 3 }],
      warning: 'successor-has-left',
    });
  });
});

it('a user can be named as an object, too', async () => {
  const departure = await ended(await deactivate({ successors: giving({ userId: boss.userId }) }));
  expect(lineOf(departure).transferredTo).toEqual([{ userId: boss.userId, affected: 3 }]);
});

it('a file of leavers names the manager or a team', async () => {
  const people = await Promise.all([1, 2, 3].map(() => identity.aUser(owner)));
  const member = await identity.aPerson(owner);
  const teamId = await aTeam([member.userId]);
  const { name } = await identity.call(teamsGet, { principal: owner, params: { id: teamId } });
  await report(boss.userId);
  const { staffId } = await identity.call(usersGet, { principal: owner, params: { id: leaver } });
  for (const { id } of people) await departures.peer.give(owner.accountId, id, 'call', 2);
  const [one, other, third] = people.map((person) => person.staffId);
  const rows = [
    [staffId, 'manager'],
    [one, `team:${name.toUpperCase()}:fewest-open`],
    [other, 'team:nobody'],
    [third, 'Manager'],
  ];
  const csv = `staffId,successorStaffId\r\n${rows.map((row) => row.join()).join('\r\n')}`;
  const { id } = await identity.call(departuresBulk, {
    principal: owner,
    query: { transition: 'deactivated' },
    body: { csv },
  });
  await eventually(async () => {
    const bulk = await identity.call(bulkDeparturesGet, { principal: owner, params: { id } });
    const outcomes = bulk.rows.map(({ code, status }) => code ?? status);
    expect(outcomes).toEqual(['completed', 'completed', 'invalid-successor', 'invalid-successor']);
  });
  expect([await calls(boss.userId), await calls(member.userId)]).toEqual([3, 2]);
});
