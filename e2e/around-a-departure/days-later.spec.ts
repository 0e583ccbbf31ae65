import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import type { Json } from '../support/api.js';
import { anAccount, PASSWORD, signIn, type Cast } from '../support/cast.js';
import { linesOf, over, type Departure } from '../support/departures.js';
import { System } from '../support/system.js';
import { countOf } from './past-the-rules.js';
import { trail } from './people.js';

const DAY = 86_400_000;

let system: System;
let cast: Cast;
beforeAll(async () => {
  system = await System.start();
}, 60_000);
beforeEach(async () => {
  cast = await anAccount(system, 'crm');
});
afterAll(() => system?.stop());

const owner = () => cast.owner.api;
const inDays = (days: number) => new Date(system.clock.millis() + days * DAY).toISOString();
const daysPass = async (days: number) => {
  system.advanceDays(days);
  // Sessions have expired by then.
  cast.owner.api = await signIn(system, cast.owner.email);
};
const begun = (departure: Departure) =>
  eventually(async () => {
    const { status } = await owner().get(`/v1/departures/${departure.id}`);
    if (status === 'scheduled') throw new Error('it has not begun');
  });
const leave = async (id: string, body: Json = {}) =>
  over(owner(), await owner().post<Departure>(`/v1/users/${id}/deactivate`, body));

describe('a scheduled departure', () => {
  it('runs even if the user who requested it has left, and the audit trail shows that', async () => {
    const { ada, ben } = cast;
    const scheduled = await ben.api.post<Departure>(`/v1/users/${ada.id}/deactivate`, { effectiveAt: inDays(3) });
    expect(scheduled).toMatchObject({ status: 'scheduled', requestedBy: ben.id });
    await leave(ben.id);
    expect(await owner().get(`/v1/users/${ada.id}`)).toMatchObject({ status: 'active' });
    await daysPass(3);
    await begun(scheduled);
    expect(await over(owner(), scheduled)).toMatchObject({ status: 'completed', requestedBy: ben.id });
    const acts = await trail(owner(), `subjectId=${ada.id}&action=user.deactivated`);
    expect(acts).toMatchObject([{ actor: null, system: 'system (departure)', detail: { departureId: scheduled.id } }]);
    const request = await trail(owner(), `subjectId=${ada.id}&action=departure.scheduled`);
    expect(request).toMatchObject([{ actor: { id: ben.id, status: 'deactivated' }, system: null }]);
  });

  it('transfers rows to the first admin, with a warning, if the successor has left', async () => {
    const { ada, cleo, dan } = cast;
    const dashboard = await ada.api.post('/v1/dashboards', { name: 'Pipeline', shared: true });
    const chatbot = await ada.api.post('/v1/chatbots', { name: 'Greeter' });
    const successors = { default: cleo.id, 'messaging.chatbots': dan.id };
    const body = { effectiveAt: inDays(1), successors };
    const scheduled = await owner().post<Departure>(`/v1/users/${ada.id}/deactivate`, body);
    await leave(cleo.id);
    await daysPass(1);
    await begun(scheduled);
    const departure = await over(owner(), scheduled);
    expect(departure.status).toBe('completed');
    const line = (rule: string) => linesOf(departure).find((one) => one.rule === rule);
    expect(line('insights.shared-dashboards')).toMatchObject({
      ...{ affected: 1, transferredTo: cast.owner.id, warning: 'successor-has-left', remaining: 0 },
    });
    expect(await owner().get(`/v1/dashboards/${dashboard.id}`)).toMatchObject({ ownerId: cast.owner.id });
    expect(line('messaging.chatbots')).toMatchObject({ affected: 1, transferredTo: dan.id });
    expect(line('messaging.chatbots')).not.toHaveProperty('warning');
    expect(await owner().get(`/v1/chatbots/${chatbot.id}`)).toMatchObject({ userId: dan.id });
  });
});

describe('with `eraseAfterDays` in the policy', () => {
  const deletionOf = async (userId: string) =>
    (await owner().get<{ items: Departure[] }>(`/v1/departures?userId=${userId}&transition=deleted`)).items[0]!;
  const announced = (userId: string) => trail(owner(), `subjectId=${userId}&action=departure.announced`);

  it('a deactivation is followed by an announced deletion in every service, and spares who returns or has the address now', async () => {
    const { ada, ben, cleo } = cast;
    await owner().put('/v1/policy', { eraseAfterDays: 30 });
    await ada.api.post('/v1/dashboards', { name: 'Mine', shared: false });
    await leave(ada.id);
    await leave(ben.id);
    await leave(cleo.id);
    await over(owner(), await owner().post<Departure>(`/v1/users/${ben.id}/reactivate`, {}));
    // The deactivated user keeps the address, so it is free after an early deletion.
    await over(owner(), await owner().delete<Departure>(`/v1/users/${cleo.id}`));
    const next = await owner().post('/v1/users', {
      name: 'Next',
      email: cleo.email,
      staffId: 'HP-Next',
      roles: ['agent'],
      password: PASSWORD,
    });
    const deletion = await deletionOf(ada.id);
    expect(deletion.status).toBe('scheduled');
    await daysPass(23.5);
    await eventually(async () => expect(await announced(ada.id)).toHaveLength(1));
    await daysPass(7);
    await begun(deletion);
    expect(await over(owner(), deletion)).toMatchObject({ status: 'completed', requestedBy: null });
    expect(await owner().get(`/v1/users/${ada.id}`)).toMatchObject({ status: 'deleted' });
    expect(await countOf(system, 'insights', 'select count(*) from dashboard where owner_id = $1', [ada.id])).toBe(0);
    expect(await deletionOf(ben.id)).toMatchObject({ status: 'cancelled' });
    for (const id of [ben.id, next.id as string])
      expect(await owner().get(`/v1/users/${id}`)).toMatchObject({ status: 'active' });
    expect([await announced(ben.id), await announced(ada.id)].map((one) => one.length)).toEqual([0, 1]);
  });
});

describe('a legal hold on a user with a deletion due the next day', () => {
  const MAIL = 'messaging.private-emails';
  const mailLine = async ({ id }: Departure) =>
    linesOf(await owner().get<Departure>(`/v1/departures/${id}`)).find((one) => one.rule === MAIL)!;
  const kept = async () => {
    const { rules } = await owner().get<{ rules: Json[] }>(`/v1/users/${cast.ada.id}/overview`);
    return rules.find((one) => one.rule === MAIL)?.count ?? 0;
  };

  it('delays the deletion until it is lifted, and the audit trail has the refusal', async () => {
    const { ada } = cast;
    const record = await ada.api.post('/v1/records', { type: 'lead', title: 'A lead' });
    const email = { recordId: record.id, subject: 'Private', body: 'For my eyes only' };
    await ada.api.post('/v1/emails', email);
    const departure = await leave(ada.id);
    expect(await mailLine(departure)).toMatchObject({ action: 'delete-after', days: 30, dueAt: expect.any(String) });
    await daysPass(29);
    await owner().put(`/v1/users/${ada.id}/legal-hold`, { reason: 'Smith v. Acme' });
    // The hold reaches other services a moment later; the clock of the test would skip that moment.
    const held = 'select count(*) from directory where user_id = $1 and legal_hold';
    await eventually(async () => expect(await countOf(system, 'messaging', held, [ada.id])).toBe(1));
    await daysPass(2);
    const waiting = await eventually(async () => {
      const line = await mailLine(departure);
      expect(line.heldAt).toBeDefined();
      return line;
    });
    expect(waiting.doneAt).toBeUndefined();
    expect(await kept()).toBe(1);
    const refusals = () => trail(owner(), `subjectId=${ada.id}&action=departure.effect-refused`);
    expect(await refusals()).toMatchObject([
      {
        actor: null,
        system: 'system (departure)',
        detail: { rule: MAIL, code: 'legal-hold', departureId: departure.id },
      },
    ]);
    await daysPass(1);
    await owner().delete(`/v1/users/${ada.id}/legal-hold`);
    await eventually(async () => expect((await mailLine(departure)).doneAt).toBeDefined());
    expect(await kept()).toBe(0);
    // Reported only once.
    expect(await refusals()).toHaveLength(1);
    expect(await owner().get('/v1/audit/verify')).toMatchObject({ valid: true });
  });
});
