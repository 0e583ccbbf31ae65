import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  accountUpdate,
  auditList,
  auditVerify,
  legalHoldPut,
  policyPut,
  usersRemove,
  usersUpdate,
  type DepartureRequest,
  type Preset,
  type Principal,
  type Problem,
  type Transition,
} from '#libs/contracts';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  leaver = await identity.aPerson(owner);
});
afterAll(() => departures.stop());

const deactivate = (by: Principal, id: string, body?: DepartureRequest) => departures.deactivate(by, id, body);
const remove = (by: Principal, id: string, body?: DepartureRequest) => departures.delete(by, id, body);
const underPreset = (preset: Preset) => identity.call(policyPut, { principal: owner, body: { preset } });
const blockers = async (transition: Transition, id = leaver.userId) => {
  const { blockers: found, possible } = await departures.preview(owner, id, transition);
  expect(possible).toBe(found.length === 0);
  return found.map((blocker) => blocker.code);
};
const statusOf = async ({ userId }: Principal) =>
  (await identity.query(sql<{ status: string; seq: string }>`select status, seq from users where id = ${userId}`))[0];

describe('a departure is refused', () => {
  it('for an unknown user or one of another account', async () => {
    const stranger = ownerOf(await identity.anAccount());
    for (const call of [deactivate, remove]) expect(await outcomeOf(call(stranger, leaver.userId))).toBe('not-found');
    expect(await outcomeOf(departures.reactivate(stranger, leaver.userId))).toBe('not-found');
    expect(await outcomeOf(departures.preview(stranger, leaver.userId, 'deleted'))).toBe('not-found');
  });

  it('for agents, and for admins if the leaver is an owner', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    expect(await outcomeOf(deactivate(leaver, admin.userId))).toBe('forbidden');
    expect(await outcomeOf(deactivate({ ...leaver, roles: ['owner'] }, admin.userId))).toBe('forbidden');
    expect(await outcomeOf(deactivate(admin, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(remove(admin, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(deactivate(admin, leaver.userId))).toBe('ok');
  });

  it('for a user who has already left', async () => {
    await deactivate(owner, leaver.userId);
    expect(await outcomeOf(deactivate(owner, leaver.userId))).toBe('conflict');
    expect(await blockers('deactivated')).toEqual(['conflict']);
    await remove(owner, leaver.userId);
    expect(await outcomeOf(remove(owner, leaver.userId))).toBe('conflict');
    expect(await outcomeOf(deactivate(owner, leaver.userId))).toBe('conflict');
    expect(await outcomeOf(departures.reactivate(owner, leaver.userId))).toBe('conflict');
  });

  it('for the last owner who can log in', async () => {
    await identity.aUser(owner, { roles: ['owner'], password: undefined });
    expect(await outcomeOf(deactivate(owner, owner.userId))).toBe('sole-owner');
    expect(await outcomeOf(remove(owner, owner.userId))).toBe('sole-owner');
    expect(await blockers('deactivated', owner.userId)).toEqual(['sole-owner']);
    const other = await identity.aPerson(owner, { roles: ['owner'] });
    expect(await outcomeOf(deactivate(other, owner.userId))).toBe('ok');
  });

  it('for a deletion of an active user under crm, and under no other preset', async () => {
    expect(await outcomeOf(remove(owner, leaver.userId))).toBe('not-deactivated');
    expect(await blockers('deleted')).toEqual(['not-deactivated']);
    for (const preset of ['helpdesk', 'texting', 'calls'] as const) {
      await underPreset(preset);
      const { userId } = await identity.aPerson(owner);
      expect(await outcomeOf(remove(owner, userId))).toBe('ok');
    }
  });

  it('but not for a deletion or deactivation of an invited user', async () => {
    const [one, other] = [
      await identity.aUser(owner, { password: undefined }),
      await identity.aUser(owner, { password: undefined }),
    ];
    expect(await outcomeOf(deactivate(owner, one.id))).toBe('ok');
    expect(await outcomeOf(identity.call(usersRemove, { principal: owner, params: { id: other.id } }))).toBe('ok');
  });

  it('under calls while numbers are assigned, with their ids, unless there is a successor', async () => {
    await underPreset('calls');
    await departures.peer.give(owner.accountId, leaver.userId, 'number', 2);
    const numbers = await departures.peer.query(
      sql<{ id: string }>`select id from thing where owner = ${leaver.userId} order by id`,
    );
    const refused = await remove(owner, leaver.userId).catch((problem: Problem) => problem);
    expect(refused).toMatchObject({ code: 'numbers-assigned', details: { items: numbers.map((row) => row.id) } });
    expect(await blockers('deleted')).toEqual(['numbers-assigned']);
    expect(await outcomeOf(deactivate(owner, (await identity.aPerson(owner)).userId))).toBe('ok');
    expect(await outcomeOf(remove(owner, leaver.userId, { successors: { default: owner.userId } }))).toBe('ok');
  });

  it('until the end of the retention', async () => {
    await identity.call(accountUpdate, { principal: owner, body: { retentionDays: 30, preset: 'helpdesk' } });
    expect(await outcomeOf(remove(owner, leaver.userId))).toBe('retention');
    await deactivate(owner, leaver.userId);
    await identity.query(
      sql`update users set deactivated_at = deactivated_at - interval '29 days' where id = ${leaver.userId}`,
    );
    expect(await outcomeOf(remove(owner, leaver.userId))).toBe('retention');
    expect(await blockers('deleted')).toEqual(['retention']);
    await identity.query(
      sql`update users set deactivated_at = deactivated_at - interval '1 day' where id = ${leaver.userId}`,
    );
    expect(await outcomeOf(remove(owner, leaver.userId))).toBe('ok');
  });

  it('for a deletion under legal hold', async () => {
    await identity.call(legalHoldPut, { principal: owner, params: { id: leaver.userId }, body: { reason: 'Case 12' } });
    expect(await outcomeOf(deactivate(owner, leaver.userId))).toBe('ok');
    expect(await outcomeOf(remove(owner, leaver.userId))).toBe('legal-hold');
    expect(await blockers('deleted')).toEqual(['legal-hold']);
  });

  it('with a successor who is inactive, the leaver, of another account, or unknown', async () => {
    const gone = await identity.aPerson(owner);
    await deactivate(owner, gone.userId);
    const invited = await identity.aUser(owner, { password: undefined });
    const stranger = ownerOf(await identity.anAccount());
    const nobody = '01890000-0000-7000-8000-000000000000';
    for (const successor of [gone.userId, leaver.userId, stranger.userId, invited.id, nobody]) {
      const call = deactivate(owner, leaver.userId, { successors: { 'telephony.calls': successor } });
      expect(await outcomeOf(call)).toBe('invalid-successor');
    }
    const call = deactivate(owner, leaver.userId, { successors: { 'telephony.calls': owner.userId } });
    expect(await outcomeOf(call)).toBe('ok');
  });

  it.each([
    ['a rule that does not exist', { overrides: { 'telephony.fax': 'keep' } }, 'unknown-rule'],
    ['a successor by a rule that does not exist', { successors: { 'telephony.fax': 'me' } }, 'unknown-rule'],
    ['an action that is not offered', { overrides: { 'telephony.calls': 'delete' } }, 'invalid-action'],
    ['a fixed rule', { overrides: { 'identity.sessions': 'keep' } }, 'invalid-action'],
    ['a successor where nobody takes over', { successors: { 'identity.sessions': 'me' } }, 'invalid-action'],
    ['what is no action', { overrides: { 'telephony.calls': { days: 3 } } }, 'validation'],
  ])('when it names %s', async (_, body, code) => {
    const successors = 'successors' in body ? { [Object.keys(body.successors)[0]!]: owner.userId } : undefined;
    const request = { ...body, ...(successors && { successors }) } as unknown as DepartureRequest;
    expect(await outcomeOf(deactivate(owner, leaver.userId, request))).toBe(code);
  });

  it('without changing anything', async () => {
    const before = await statusOf(leaver);
    await outcomeOf(remove(owner, leaver.userId));
    await outcomeOf(deactivate(owner, leaver.userId, { successors: { default: leaver.userId } }));
    expect(await statusOf(leaver)).toEqual(before);
    expect(await identity.query(sql`select from departure where user_id = ${leaver.userId}`)).toHaveLength(0);
  });
});

it('a refusal by a guard is in the audit trail, although the command is rolled back', async () => {
  await identity.call(legalHoldPut, { principal: owner, params: { id: leaver.userId }, body: { reason: 'Case 12' } });
  await underPreset('helpdesk');
  expect(await outcomeOf(remove(owner, leaver.userId))).toBe('legal-hold');
  expect(await outcomeOf(remove(owner, owner.userId))).toBe('sole-owner');
  expect(await outcomeOf(remove(owner, leaver.userId, { planToken: 'made up' }))).toBe('legal-hold');
  const { items } = await identity.call(auditList, { principal: owner, query: { action: 'departure.refused' } });
  const of = ({ userId }: Principal, code: string) => ({
    ...{ actor: { id: owner.userId }, subject: { id: userId }, detail: { transition: 'deleted', code } },
  });
  expect(items).toMatchObject([of(leaver, 'legal-hold'), of(owner, 'sole-owner'), of(leaver, 'legal-hold')]);
  expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
});

describe('a plan token', () => {
  const token = async () => (await departures.preview(owner, leaver.userId, 'deactivated')).planToken;

  it('is valid if nothing has changed since the preview', async () => {
    const body = { planToken: await token(), successors: { default: owner.userId } };
    expect(await outcomeOf(deactivate(owner, leaver.userId, body))).toBe('ok');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['the policy', () => underPreset('helpdesk')],
    [
      'the user',
      () => identity.call(usersUpdate, { principal: owner, params: { id: leaver.userId }, body: { roles: ['admin'] } }),
    ],
    [
      'a successor',
      () => identity.call(usersUpdate, { principal: owner, params: { id: owner.userId }, body: { name: 'Renamed' } }),
    ],
  ])('is stale when %s has changed', async (_, change) => {
    const planToken = await token();
    await change();
    const call = deactivate(owner, leaver.userId, { planToken, successors: { default: owner.userId } });
    expect(await outcomeOf(call)).toBe('plan-stale');
  });

  it('is stale for another transition or another user, or if it is forged', async () => {
    await underPreset('helpdesk');
    const planToken = await token();
    const other = await identity.aPerson(owner);
    expect(await outcomeOf(remove(owner, leaver.userId, { planToken }))).toBe('plan-stale');
    expect(await outcomeOf(deactivate(owner, other.userId, { planToken }))).toBe('plan-stale');
    for (const madeUp of ['x', 'x.y', `${planToken}x`, planToken.replace('.', 'A.')])
      expect(await outcomeOf(deactivate(owner, leaver.userId, { planToken: madeUp }))).toBe('plan-stale');
  });
});

it('if two owners deactivate each other concurrently, one wins (30 times)', async () => {
  for (let round = 0; round < 30; round++) {
    const one = ownerOf(await identity.anAccount());
    const other = await identity.aPerson(one, { roles: ['owner'] });
    const outcomes = await Promise.all([
      outcomeOf(deactivate(one, other.userId)),
      outcomeOf(deactivate(other, one.userId)),
    ]);
    expect(outcomes.sort()).toEqual(['ok', 'sole-owner']);
    const left = await identity.query(sql`
      select from users where account_id = ${one.accountId} and status = 'active'`);
    expect(left).toHaveLength(1);
  }
});
