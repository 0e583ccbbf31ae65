import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import type { Json } from '../support/api.js';
import { anAccount, PASSWORD, signIn, type Cast } from '../support/cast.js';
import { linesOf, over, type Departure } from '../support/departures.js';
import { Listener } from '../support/observers/listener.js';
import { ScimApi } from '../support/scim-api.js';
import { System } from '../support/system.js';
import { trail } from './people.js';

const DAY = 86_400_000;

let system: System;
let listener: Listener;
let cast: Cast;
beforeAll(async () => {
  system = await System.start();
  listener = await Listener.on(system);
}, 60_000);
beforeEach(async () => {
  cast = await anAccount(system, 'crm');
});
afterAll(async () => {
  await listener?.stop();
  await system?.stop();
});

const owner = () => cast.owner.api;
const inDays = (days: number) => new Date(system.clock.millis() + days * DAY).toISOString();
const daysPass = async (days: number) => {
  system.advanceDays(days);
  // Sessions are over by then.
  cast.owner.api = await signIn(system, cast.owner.email);
};
const act = (deed: string, body: Json = {}, { id }: { id: string } = cast.ada) =>
  owner().post<Departure>(`/v1/users/${id}/${deed}`, body);
const statusOf = async ({ id }: { id: string } = cast.ada) => (await owner().get(`/v1/users/${id}`)).status;
const stateOf = async ({ id }: { id: string }) => (await owner().get<Departure>(`/v1/departures/${id}`)).status;
const untilState = (departure: { id: string }, state: string) =>
  eventually(async () => expect(await stateOf(departure)).toBe(state));
const code = async (call: Promise<unknown>) => (await owner().refusal(call)).code;
/** The types of the events about a departure. */
/** The types of the events about a departure. */
const heardOf = ({ id }: { id: string }) =>
  listener.received
    .filter(({ subject, data }) => subject.startsWith('departure.') && Buffer.from(data).toString().includes(id))
    .map(({ subject }) => subject.split('.').slice(0, 2).join('.'));
const cancellations = () => trail(owner(), `subjectId=${cast.ada.id}&action=departure.cancelled`);

describe('somebody who is to be deactivated, and deleted when the retention is over', () => {
  it('is so on these days, under crm with a retention', async () => {
    await owner().patch('/v1/account', { retentionDays: 30 });
    expect(await code(act('delete', { effectiveAt: inDays(31) }))).toBe('not-deactivated');
    const leaving = await act('deactivate', { effectiveAt: inDays(1) });
    expect(await code(act('delete', { effectiveAt: inDays(30) }))).toBe('retention');
    const deletion = await act('delete', { effectiveAt: inDays(31) });
    expect([leaving.status, deletion.status]).toEqual(['scheduled', 'scheduled']);
    await daysPass(1.01);
    await untilState(leaving, 'completed');
    expect(await statusOf()).toBe('deactivated');
    // The deactivation was carried out a quarter of an hour late, and so is the deletion.
    await daysPass(30.01);
    await untilState(deletion, 'completed');
    expect(await statusOf()).toBe('deleted');
  });

  it('stays to be deleted when somebody deactivates them earlier, which says what it has overtaken', async () => {
    const leaving = await act('deactivate', { effectiveAt: inDays(1) });
    const deletion = await act('delete', { effectiveAt: inDays(2) });
    const now = await act('deactivate');
    const { id, transition, effectiveAt } = leaving;
    expect(now.calledOff).toEqual([{ id, transition, effectiveAt }]);
    expect(await stateOf(leaving)).toBe('superseded');
    const detail = { departureId: id, transition, effectiveAt, calledOffBy: now.id };
    expect(await cancellations()).toMatchObject([{ actor: { id: cast.owner.id }, detail }]);
    await eventually(() => expect(heardOf(leaving)).toContain('departure.cancelled'));
    expect(await stateOf(deletion)).toBe('scheduled');
    await daysPass(2);
    await untilState(deletion, 'completed');
  });

  it('is not to be deleted any more when they are back', async () => {
    const leaving = await act('deactivate', { effectiveAt: inDays(1) });
    const deletion = await act('delete', { effectiveAt: inDays(2) });
    await daysPass(1);
    await untilState(leaving, 'completed');
    expect((await act('reactivate')).calledOff).toMatchObject([{ id: deletion.id, transition: 'deleted' }]);
    expect(await stateOf(deletion)).toBe('cancelled');
    await eventually(() => expect(heardOf(deletion)).toContain('departure.cancelled'));
    expect(await cancellations()).toMatchObject([{ detail: { departureId: deletion.id } }]);
  });
});

it('a return on its day restores what the request has asked for', async () => {
  const { id } = await cast.ada.api.post('/v1/automations', { name: 'Welcome', trigger: { kind: 'any' } });
  const rule = 'automations.owned';
  const left = await over(owner(), await act('deactivate', { returnAt: inDays(3), restore: [rule] }));
  expect(await owner().get(`/v1/automations/${id as string}`)).toMatchObject({ active: false });
  await daysPass(3);
  const back = await eventually(async () => {
    const { items } = await owner().get<{ items: Departure[] }>(`/v1/departures?userId=${cast.ada.id}`);
    const one = items.find((departure) => departure.returnsFrom === left.id)!;
    expect(one.status).toBe('completed');
    return owner().get<Departure>(`/v1/departures/${one.id}`);
  });
  expect(linesOf(back).filter((line) => line.rule === rule)).toMatchObject([{ action: 'restore', affected: 1 }]);
  expect(await owner().get(`/v1/automations/${id as string}`)).toMatchObject({ active: true });
});

describe('somebody who is on leave, and whose return', () => {
  const away = async () => {
    const left = await over(owner(), await act('deactivate', { returnAt: inDays(3) }));
    const { items } = await owner().get<{ items: Departure[] }>(`/v1/departures?userId=${cast.ada.id}`);
    return { left, back: items.find((one) => one.returnsFrom === left.id)! };
  };
  const staysAway = async (back: Departure, by: Json) => {
    await untilState(back, 'cancelled');
    expect(await cancellations()).toMatchObject([{ ...by, detail: { departureId: back.id } }]);
    await eventually(() => expect(heardOf(back)).toContain('departure.cancelled'));
    await daysPass(4);
    // Due before it: when this one is through, the return would be, too.
    const later = await act('deactivate', { effectiveAt: inDays(0.01) }, cast.ben);
    await daysPass(0.02);
    await untilState(later, 'completed');
    expect(await statusOf()).toBe('deactivated');
    await expect(signIn(system, cast.ada.email)).rejects.toMatchObject({ body: { code: 'account-inactive' } });
  };

  it('the identity provider calls off is not active again on that day', async () => {
    const { back } = await away();
    const scim = await ScimApi.connect(system, owner());
    const answer = await scim.patch(`/Users/${cast.ada.id}`, [{ op: 'Replace', path: 'active', value: 'False' }]);
    expect(answer).toMatchObject({ status: 200, body: { active: false } });
    await staysAway(back, { actor: null, system: 'system (scim)' });
  });

  it('a manager calls off by deactivating them again is told so', async () => {
    const { left, back } = await away();
    expect(await act('deactivate')).toMatchObject({ id: left.id, calledOff: [{ id: back.id }] });
    await staysAway(back, { actor: { id: cast.owner.id } });
  });

  it('a bulk departure calls off finds it in their row', async () => {
    const { left, back } = await away();
    const users = [{ userId: cast.ada.id }, { userId: cast.dan.id }];
    const { id } = await owner().post('/v1/departures/bulk', { transition: 'deactivated', users });
    const { rows } = await eventually(async () => {
      const bulk = await owner().get<{ rows: Json[]; counts: Json }>(`/v1/departures/bulk/${id as string}`);
      expect(bulk.counts).toMatchObject({ accepted: 2 });
      return bulk;
    });
    expect(rows[0]).toMatchObject({ departureId: left.id, calledOff: [{ id: back.id, transition: 'reactivated' }] });
    await staysAway(back, { actor: { id: cast.owner.id } });
  });
});

it('somebody invited, deactivated and reactivated is invited again, and nobody is active without a password', async () => {
  const email = `ivy-${process.pid}@nest.example`;
  const body = { name: 'Ivy', email, staffId: 'Ivy 1' };
  const ivy = await owner().post<Json & { id: string; invitation: Json }>('/v1/users', body);
  const first = await listener.mailedTo(email);
  await over(owner(), await act('deactivate', {}, ivy));
  const back = await act('reactivate', {}, ivy);
  expect(await statusOf(ivy)).toBe('invited');
  const accept = (token: unknown) => system.api().post('/v1/invitations/accept', { token, password: PASSWORD });
  expect(await code(accept(ivy.invitation.token))).toBe('gone');
  const mailed = await eventually(async () => {
    const newest = await listener.mailedTo(email);
    expect(newest).not.toBe(first);
    return newest;
  });
  expect(await code(accept(first))).toBe('gone');
  expect(await code(accept('made up'))).toBe('not-found');
  expect((back.invitation as Json).token).toEqual(expect.any(String));
  await accept(mailed);
  expect(await statusOf(ivy)).toBe('active');
  await signIn(system, email);
});
