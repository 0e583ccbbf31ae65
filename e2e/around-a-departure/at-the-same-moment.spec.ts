import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { overlap } from '#libs/lifecycle/testing';
import { eventually } from '#libs/test-kit';
import { ScheduleWorker } from '../../services/identity/src/departures/decide/schedule/schedule.worker.js';
import type { Json } from '../support/api.js';
import { anAccount, signIn, type Cast, type Member } from '../support/cast.js';
import { over, type Departure } from '../support/departures.js';
import { System } from '../support/system.js';
import { accepted, aColleague, outcome, trail } from './people.js';

const ROUNDS = 3;

let system: System;
let cast: Cast;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'helpdesk');
}, 60_000);
afterAll(() => system?.stop());

const owner = () => cast.owner.api;
const departuresOf = (user: Member) => owner().all<Departure>(`/v1/departures?userId=${user.id}`);
const statusOf = async (user: Member) => (await owner().get(`/v1/users/${user.id}`)).status;
const deactivate = (by: Member, user: Member, body: Json = {}) =>
  outcome(by.api.post<Departure>(`/v1/users/${user.id}/deactivate`, body));
const remove = (by: Member, user: Member) => outcome(by.api.post<Departure>(`/v1/users/${user.id}/delete`));
const reactivate = (by: Member, user: Member) => outcome(by.api.post<Departure>(`/v1/users/${user.id}/reactivate`));

/** Waits until all of a user's departures have ended, and checks that the newest is completed. @returns them, newest first */
async function endedDepartures(user: Member): Promise<Departure[]> {
  const departures = await departuresOf(user);
  const ended = await Promise.all(departures.map((departure) => over(owner(), departure)));
  expect(ended[0]!.status).toBe('completed');
  return ended;
}

describe('two admins act on the same user concurrently:', () => {
  it('one deactivates, one deletes: the user is deleted, and the deactivation is refused or superseded', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const leaver = await aColleague(system, cast);
      const [left, gone] = await Promise.all([deactivate(cast.owner, leaver), remove(cast.ben, leaver)]);
      expect(gone).toMatchObject({ code: 'accepted' });
      if (left.code !== 'accepted') expect(left).toEqual({ answer: 409, code: 'conflict' });
      const [newest, ...earlier] = await endedDepartures(leaver);
      expect(newest).toMatchObject({ id: accepted(gone).id, transition: 'deleted' });
      expect(earlier).toHaveLength(left.code === 'accepted' ? 1 : 0);
      for (const departure of earlier) expect(['superseded', 'completed']).toContain(departure.status);
      expect(await statusOf(leaver)).toBe('deleted');
    }
  });

  it('one deactivates, one reactivates: the later decision wins', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const leaver = await aColleague(system, cast);
      await over(owner(), accepted(await deactivate(cast.owner, leaver)));
      const [left, back] = await Promise.all([deactivate(cast.owner, leaver), reactivate(cast.ben, leaver)]);
      expect(back).toMatchObject({ code: 'accepted' });
      if (left.code !== 'accepted') expect(left).toEqual({ answer: 409, code: 'conflict' });
      const [newest] = await endedDepartures(leaver);
      expect(newest).toMatchObject({ id: accepted(left.code === 'accepted' ? left : back).id });
      expect(await statusOf(leaver)).toBe(left.code === 'accepted' ? 'deactivated' : 'active');
    }
  });

  it('both deactivate with different successors: one is accepted, the other gets a conflict', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const leaver = await aColleague(system, cast);
      const { id: dashboard } = await owner().post('/v1/dashboards', {
        ...{ name: 'Pipeline', shared: true, ownerId: leaver.id },
      });
      const asked = [
        { by: cast.owner, successor: cast.cleo },
        { by: cast.ben, successor: cast.dan },
      ];
      const answers = await Promise.all(
        asked.map(({ by, successor }) => deactivate(by, leaver, { successors: { default: successor.id } })),
      );
      const winner = answers.findIndex((one) => one.code === 'accepted');
      expect(answers[1 - winner]).toEqual({ answer: 409, code: 'conflict' });
      const [only, ...more] = await endedDepartures(leaver);
      expect(only).toMatchObject({ id: accepted(answers[winner]!).id, requestedBy: asked[winner]!.by.id });
      expect(more).toEqual([]);
      expect(await owner().get(`/v1/dashboards/${dashboard}`)).toMatchObject({
        ownerId: asked[winner]!.successor.id,
      });
    }
  });
});

describe('a previewed plan', () => {
  it('is stale if the policy changes before the confirmation', async () => {
    const leaver = await aColleague(system, cast);
    const preview = () => owner().get(`/v1/users/${leaver.id}/departure-preview?transition=deactivated`);
    const confirm = ({ planToken }: Json) => deactivate(cast.owner, leaver, { planToken });
    const read = await preview();
    const overrides = { 'messaging.live-chats': { deactivated: 'unassign' } };
    await cast.ben.api.put('/v1/policy', { preset: 'helpdesk', overrides });
    expect(await confirm(read)).toEqual({ answer: 409, code: 'plan-stale' });
    expect(await statusOf(leaver)).toBe('active');
    expect(await departuresOf(leaver)).toEqual([]);
    expect(await confirm(await preview())).toMatchObject({ code: 'accepted' });
  });
});

describe('a scheduled departure that is cancelled when due', () => {
  const SOON = 20_000;
  const adminUrl = () => system.databaseUrl('identity');
  const scheduler = () => system.services.get('identity')!.app.get(ScheduleWorker, { strict: false });
  const statusNow = async (id: string) => (await owner().get<Departure>(`/v1/departures/${id}`)).status;
  const cancel = (id: string) => outcome(owner().post<Departure>(`/v1/departures/${id}/cancel`));

  async function scheduled(): Promise<{ leaver: Member; id: string }> {
    const leaver = await aColleague(system, cast);
    cast.owner.api = await signIn(system, cast.owner.email);
    const effectiveAt = new Date(system.clock.millis() + SOON).toISOString();
    const { id } = await owner().post<Departure>(`/v1/users/${leaver.id}/deactivate`, { effectiveAt });
    return { leaver, id };
  }

  it('does not run if the cancellation commits first', async () => {
    const { leaver, id } = await scheduled();
    const comesDue = async () => {
      system.clock.advance(SOON);
      await scheduler().drain();
    };
    const seen = await overlap(
      { adminUrl: adminUrl(), row: 'departure where id = $1', id },
      () => cancel(id),
      comesDue,
    );
    expect(seen.first).toMatchObject({ status: 'fulfilled', value: { code: 'accepted' } });
    await scheduler().drain();
    expect(await owner().get<Departure>(`/v1/departures/${id}`)).toMatchObject({ status: 'cancelled', services: [] });
    expect(await statusOf(leaver)).toBe('active');
    expect(await leaver.api.get('/v1/me')).toMatchObject({ id: leaver.id });
    const acts = (await trail(owner(), `subjectId=${leaver.id}`)).map((entry) => entry.action);
    expect(acts).toContain('departure.cancelled');
    expect(acts).not.toContain('user.deactivated');
  });

  it('runs if the decision commits first, and the cancellation is refused', async () => {
    const { leaver, id } = await scheduled();
    const comesDue = async () => {
      system.clock.advance(SOON);
      scheduler().wake();
      await eventually(async () => expect(await statusNow(id)).toBe('completed'));
    };
    const row = 'users where id = $1';
    const seen = await overlap({ adminUrl: adminUrl(), row, id: leaver.id }, comesDue, () => cancel(id));
    expect(seen).toMatchObject({
      first: { status: 'fulfilled' },
      second: { status: 'fulfilled', value: { answer: 409, code: 'conflict' } },
      hasWaited: true,
    });
    expect(await statusOf(leaver)).toBe('deactivated');
    const acts = (await trail(owner(), `subjectId=${leaver.id}`)).map((entry) => entry.action);
    expect(acts).toContain('user.deactivated');
    expect(acts).not.toContain('departure.cancelled');
  });
});
