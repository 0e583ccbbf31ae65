import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import type { Json } from '../support/api.js';
import { anAccount, contactsCsv, signIn, type Cast } from '../support/cast.js';
import { linesOf, over, type Departure } from '../support/departures.js';
import { ScimApi } from '../support/scim-api.js';
import { System } from '../support/system.js';
import { countOf } from './past-the-rules.js';
import { trail } from './people.js';

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
const post = (path: string, body: Json = {}) => owner().post<Departure>(`/v1/users/${cast.ada.id}/${path}`, body);
const deactivate = async (body: Json = {}) => over(owner(), await post('deactivate', body));
const reactivate = async () => over(owner(), await post('reactivate', { restore: 'all' }));
const lineOf = (departure: Departure, rule: string, transition: string) =>
  linesOf(departure).find((line) => line.rule === rule && line.transition === transition);
const daysPass = async (days: number) => {
  system.advanceDays(days);
  // Sessions are over by then.
  cast.owner.api = await signIn(system, cast.owner.email);
};

describe('a deactivation of a user under legal hold by which something would be destroyed', () => {
  const SEGMENTS = 'contacts.segments';
  let segment: string;
  const segments = () => countOf(system, 'contacts', 'select count(*) from segment where owner_id = $1', [cast.ada.id]);

  beforeEach(async () => {
    await owner().put('/v1/policy', { preset: 'crm', overrides: { [SEGMENTS]: { deactivated: 'delete' } } });
    segment = (await cast.ada.api.post('/v1/segments', { name: 'Leads', definition: {} })).id as string;
    await owner().put(`/v1/users/${cast.ada.id}/legal-hold`, { reason: 'Smith v. Acme' });
  });

  it('is refused in every way, names the rules, and the preview says so', async () => {
    const { ada } = cast;
    const preview = await owner().get(`/v1/users/${ada.id}/departure-preview?transition=deactivated`);
    const blocker = { code: 'legal-hold', items: [SEGMENTS] };
    expect(preview).toMatchObject({ possible: false, blockers: [blocker] });
    const line = (preview.rules as Json[]).find((one) => one.rule === SEGMENTS);
    expect(line).toMatchObject({ action: 'delete', destroys: true, count: 1 });
    expect(await owner().refusal(post('deactivate'))).toMatchObject({ status: 409, ...blocker });

    const { id } = await owner().post('/v1/departures/bulk', {
      transition: 'deactivated',
      users: [{ userId: ada.id }],
    });
    await eventually(async () => {
      const bulk = await owner().get(`/v1/departures/bulk/${id}`);
      expect(bulk).toMatchObject({ status: 'completed', counts: { refused: 1 } });
    });

    const scim = await ScimApi.connect(system, owner());
    const inactive = await scim.patch(`/Users/${ada.id}`, [{ op: 'replace', path: 'active', value: false }]);
    expect(inactive.status).toBe(409);
    // The provider's word that they are gone ends their sessions all the same.
    await eventually(async () => expect(await ada.api.refusal(ada.api.get('/v1/me'))).toMatchObject({ status: 401 }));

    const effectiveAt = new Date(system.clock.millis() + 86_400_000).toISOString();
    const scheduled = await post('deactivate', { effectiveAt });
    await daysPass(1);
    await eventually(async () => {
      const departure = await owner().get(`/v1/departures/${scheduled.id}`);
      expect(departure).toMatchObject({ status: 'failed', error: 'legal-hold' });
    });
    expect(await trail(owner(), `subjectId=${ada.id}&action=departure.refused`)).toHaveLength(4);
    expect(await owner().get(`/v1/users/${ada.id}`)).toMatchObject({ status: 'active' });
    expect(await segments()).toBe(1);
  });

  it('is possible with another action for these rules', async () => {
    expect(await deactivate({ overrides: { [SEGMENTS]: 'keep' } })).toMatchObject({ status: 'completed' });
    expect(await segments()).toBe(1);
  });

  it('is possible without such rows', async () => {
    await owner().delete(`/v1/segments/${segment}`);
    expect(await deactivate()).toMatchObject({ status: 'completed' });
  });
});

it('a return that is overtaken by the next departure loses nothing: the next return gives back all of it', async () => {
  const { ada, ben } = cast;
  const rows = 9_000;
  await ada.api.upload('/v1/contact-imports', contactsCsv([ada], rows));
  const toBen = { overrides: { 'contacts.assignments': 'transfer' }, successors: { 'contacts.assignments': ben.id } };
  const contactsOf = (id: string) =>
    countOf(system, 'contacts', 'select count(*) from contact where assignee = $1', [id]);
  await deactivate(toBen);
  expect(await contactsOf(ben.id)).toBe(rows);
  await post('reactivate', { restore: 'all' });
  await deactivate(toBen);
  expect(await contactsOf(ben.id)).toBe(rows);
  const back = await reactivate();
  expect(lineOf(back, 'contacts.assignments', 'reactivated')).toMatchObject({ affected: rows, notRestored: 0 });
  expect(await contactsOf(ada.id)).toBe(rows);
});

describe('numbers that are released after some days', () => {
  const NUMBERS = 'telephony.numbers';
  const release = (days: number) => ({ action: 'release-after', days });
  const number = async () =>
    (await owner().get<{ items: Json[] }>('/v1/numbers')).items.find(({ e164 }) => e164 === '+14155550117');

  beforeEach(async () => {
    const overrides = { [NUMBERS]: { deactivated: release(7), deleted: release(0) } };
    await owner().put('/v1/policy', { preset: 'crm', overrides });
    await owner().post('/v1/numbers', { e164: '+14155550117', kind: 'personal', ownerId: cast.ada.id });
  });

  it('are given back by a return, also one that restores nothing else, and released by the deletion', async () => {
    await deactivate();
    expect(await number()).toMatchObject({ state: 'quarantined', ownerId: null });
    const back = await over(owner(), await post('reactivate'));
    expect(lineOf(back, NUMBERS, 'reactivated')).toMatchObject({ action: 'restore', affected: 1, notRestored: 0 });
    expect(await number()).toMatchObject({ state: 'assigned', ownerId: cast.ada.id });
    await deactivate();
    await over(owner(), await post('delete'));
    await eventually(async () => expect(await number()).toMatchObject({ state: 'released' }));
  });

  it('are due when the receipts of both departures say, which is when they are released', async () => {
    const left = await deactivate();
    const before = lineOf(left, NUMBERS, 'deactivated')!;
    await daysPass(1);
    const deleted = await over(owner(), await post('delete'));
    const line = lineOf(deleted, NUMBERS, 'deleted')!;
    expect(Date.parse(line.dueAt!)).toBeLessThan(Date.parse(before.dueAt!));
    await eventually(async () => {
      for (const [{ id }, transition] of [
        [left, 'deactivated'],
        [deleted, 'deleted'],
      ] as const) {
        const now = await owner().get<Departure>(`/v1/departures/${id}`);
        expect(lineOf(now, NUMBERS, transition)).toMatchObject({ dueAt: line.dueAt, doneAt: expect.any(String) });
      }
    });
    expect(await number()).toMatchObject({ state: 'released' });
    const { payload } = await owner().get<{ payload: { services: Departure['services'] } }>(
      `/v1/departures/${deleted.id}/certificate`,
    );
    const certified = payload.services.flatMap(({ rules }) => rules).find(({ rule }) => rule === NUMBERS);
    expect(certified).toMatchObject({ dueAt: line.dueAt, doneAt: expect.any(String) });
  });

  it('that wait for nothing are found by a verification', async () => {
    await deactivate();
    const { id } = (await number())!;
    await reactivate();
    const stranded = `update phone_number set state = 'quarantined', quarantined_from_id = owner_id, owner_id = null, destination_user_id = null, release_at = now() where id = $1`;
    await countOf(system, 'telephony', `with done as (${stranded} returning 1) select count(*) from done`, [id]);
    const verification = await owner().post('/v1/departures/verify');
    await eventually(async () => {
      const { broken } = await owner().get(`/v1/departures/verify/${verification.id}`);
      expect(broken).toMatchObject([{ userId: cast.ada.id, rule: NUMBERS, remaining: 1 }]);
    });
  });
});
