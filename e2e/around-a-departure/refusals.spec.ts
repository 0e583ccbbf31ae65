import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import type { Json } from '../support/api.js';
import { anAccount, signIn, type Cast, type Member } from '../support/cast.js';
import { over, type Departure } from '../support/departures.js';
import { leaver } from '../support/program.js';
import { ScimApi } from '../support/scim-api.js';
import { System } from '../support/system.js';
import { trail } from './people.js';

let system: System;
let cast: Cast;
beforeAll(async () => {
  system = await System.start();
}, 60_000);
beforeEach(async () => {
  cast = await anAccount(system, 'helpdesk');
});
afterAll(() => system?.stop());

const owner = () => cast.owner.api;
const codeOf = async (call: Promise<unknown>) => {
  const { status, code } = await owner().refusal(call);
  return [status, code];
};
const refusals = () => trail(owner(), 'action=departure.refused');
const remove = ({ id }: Member) => owner().post(`/v1/users/${id}/delete`);
const hold = ({ id }: Member) => owner().put(`/v1/users/${id}/legal-hold`, { reason: 'Smith v. Acme' });
const stays = async ({ id }: Member) => {
  expect(await owner().get(`/v1/users/${id}`)).toMatchObject({ status: 'active' });
  expect(await owner().get(`/v1/departures?userId=${id}`)).toMatchObject({ items: [] });
};
const leftBy = (actor: Member, subject: Member, detail: Json) => ({
  ...{ actor: { id: actor.id }, system: null, subject: { id: subject.id }, detail },
});

describe('a refusal by a guard changes nothing and is in the audit trail:', () => {
  it('a deletion of the last owner, under legal hold, within the retention, with numbers, or of an active user under crm', async () => {
    const { ada, ben, cleo } = cast;
    await owner().post('/v1/numbers', { e164: '+14155550117', kind: 'personal', ownerId: ben.id });
    await hold(ada);
    expect(await codeOf(remove(cast.owner))).toEqual([409, 'sole-owner']);
    expect(await codeOf(remove(ada))).toEqual([409, 'legal-hold']);
    await owner().put('/v1/policy', { preset: 'crm' });
    expect(await codeOf(remove(cleo))).toEqual([409, 'not-deactivated']);
    await owner().put('/v1/policy', { preset: 'calls' });
    expect(await codeOf(remove(ben))).toEqual([409, 'numbers-assigned']);
    await owner().patch('/v1/account', { retentionDays: 30 });
    expect(await codeOf(remove(cleo))).toEqual([409, 'retention']);
    const expected: [Member, string][] = [
      [cleo, 'retention'],
      [ben, 'numbers-assigned'],
      [cleo, 'not-deactivated'],
      [ada, 'legal-hold'],
      [cast.owner, 'sole-owner'],
    ];
    expect(await refusals()).toMatchObject(
      expected.map(([subject, code]) => leftBy(cast.owner, subject, { transition: 'deleted', code })),
    );
    for (const one of [cast.owner, ada, ben, cleo]) await stays(one);
    expect(await owner().get('/v1/audit/verify')).toMatchObject({ valid: true });
  });

  it('a deactivation of the last owner, immediate or scheduled', async () => {
    const effectiveAt = new Date(system.clock.millis() + 86_400_000).toISOString();
    const deactivate = (body?: Json) => owner().post(`/v1/users/${cast.owner.id}/deactivate`, body);
    expect(await codeOf(deactivate())).toEqual([409, 'sole-owner']);
    expect(await codeOf(deactivate({ effectiveAt }))).toEqual([409, 'sole-owner']);
    const detail = { transition: 'deactivated', code: 'sole-owner' };
    expect(await refusals()).toMatchObject([detail, detail].map((one) => leftBy(cast.owner, cast.owner, one)));
    await stays(cast.owner);
  });

  it('an accepted departure has no such entry', async () => {
    const { dan } = cast;
    await over(owner(), await owner().post<Departure>(`/v1/users/${dan.id}/delete`));
    expect(await codeOf(remove(dan))).toEqual([409, 'conflict']);
    expect(await refusals()).toEqual([]);
  });
});

describe('the preview of a request', () => {
  const previewOf = ({ id }: Member, body: Json) => owner().post<Json>(`/v1/users/${id}/departure-preview`, body);

  it('has the refusals of the request, and shows what guards would refuse', async () => {
    const { ada, cleo, dan } = cast;
    const deactivated = (choices: Json) => previewOf(ada, { transition: 'deactivated', ...choices });
    await over(owner(), await owner().post<Departure>(`/v1/users/${dan.id}/deactivate`));
    expect(await codeOf(deactivated({ successors: { default: dan.id } }))).toEqual([422, 'invalid-successor']);
    expect(await codeOf(deactivated({ successors: { default: ada.id } }))).toEqual([422, 'invalid-successor']);
    expect(await codeOf(deactivated({ overrides: { 'identity.sessions': 'keep' } }))).toEqual([422, 'invalid-action']);
    expect(await codeOf(deactivated({ overrides: { 'no.rule': 'keep' } }))).toEqual([422, 'unknown-rule']);
    expect(await codeOf(deactivated({ effectiveAt: '2001-01-01T00:00:00Z' }))).toEqual([400, 'validation']);
    expect(await codeOf(deactivated({ policy: { preset: 'none' } }))).toEqual([400, 'validation']);
    expect(await codeOf(previewOf(ada, {}))).toEqual([400, 'validation']);
    const theirs = cleo.api.post(`/v1/users/${ada.id}/departure-preview`, { transition: 'deleted' });
    expect(await cleo.api.refusal(theirs)).toMatchObject({ status: 403, code: 'forbidden' });
    await hold(ada);
    await owner().put('/v1/policy', { preset: 'crm' });
    expect(await previewOf(cast.owner, { transition: 'deleted' })).toMatchObject({
      possible: false,
      blockers: [{ code: 'sole-owner' }, { code: 'not-deactivated' }],
    });
    expect(await previewOf(ada, { transition: 'deleted', policy: { preset: 'helpdesk' } })).toMatchObject({
      blockers: [{ code: 'legal-hold' }],
    });
    expect(await refusals()).toEqual([]);
  });

  it('has a token with which another request is refused, and which says what has changed', async () => {
    const { ada, ben } = cast;
    await ada.api.post('/v1/segments', { name: 'Own', definition: { match: 'all', rules: [] } });
    const request = { overrides: { 'contacts.segments': 'delete' } };
    const { planToken } = await previewOf(ada, { transition: 'deactivated', ...request });
    const deactivate = (body: Json) =>
      owner().post<Departure>(`/v1/users/${ada.id}/deactivate`, { ...body, planToken });
    const rule = { rule: 'contacts.segments', transition: 'deactivated' };
    expect(await owner().refusal(deactivate({ successors: { default: ben.id } }))).toMatchObject({
      ...{ status: 409, code: 'plan-stale' },
      changes: expect.arrayContaining([
        {
          ...rule,
          before: { action: 'delete', count: 1 },
          after: { action: 'transfer', count: 1, successorId: ben.id },
        },
      ]),
    });
    await ada.api.post('/v1/segments', { name: 'Another', definition: { match: 'all', rules: [] } });
    expect(await owner().refusal(deactivate(request))).toMatchObject({
      ...{ status: 409, code: 'plan-stale' },
      changes: [{ ...rule, before: { action: 'delete', count: 1 }, after: { action: 'delete', count: 2 } }],
    });
    await stays(ada);
  });
});

it('the command line ends with what has changed when the plan is not the previewed one', async () => {
  const { id, email } = cast.dan;
  const { planToken } = await owner().post<Json>(`/v1/users/${id}/departure-preview`, { transition: 'deactivated' });
  const env = { LEAVER_URL: system.url, LEAVER_TOKEN: owner().token!, LEAVER_HOME: '/nonexistent' };
  const words = ['deactivate', email, '--yes', '--plan-token', String(planToken)];
  const refused = await leaver([...words, '--override', 'contacts.segments=delete'], env);
  const changed = expect.stringContaining('(plan-stale)\n  contacts.segments: keep, 0 rows → ');
  expect([refused.exitCode, refused.messages]).toEqual([1, changed]);
  await stays(cast.dan);
  expect((await leaver([...words, '--watch'], env)).exitCode).toBe(0);
  const back = await leaver(['reactivate', email, '--restore', 'all', '--watch'], env);
  expect([back.exitCode, back.messages]).toEqual([0, expect.stringContaining('is reactivated')]);
});

describe('a legal hold blocks every destructive operation:', () => {
  beforeEach(async () => void (await hold(cast.ada)));

  it('each request is refused, and each refusal is in the audit trail', async () => {
    const { ada, dan } = cast;
    const path = `/v1/users/${ada.id}`;
    const somebody = { name: 'Nell', email: 'nell@hold.example', staffId: 'N-1' };
    const ways = {
      delete: () => remove(ada),
      DELETE: () => owner().delete(path),
      transfer: () => owner().post(`${path}/transfer`, somebody),
      convert: () => owner().post(`${path}/convert-to-shared-inbox`, { name: 'Desk', memberIds: [dan.id] }),
    };
    for (const [way, call] of Object.entries(ways))
      expect([way, await codeOf(call())]).toEqual([way, [409, 'legal-hold']]);
    const scim = await ScimApi.connect(system, owner());
    expect(await scim.delete(`/Users/${ada.id}`)).toMatchObject({ status: 409 });
    const refused = await refusals();
    expect(refused.map(({ actor, system: by, detail }) => [(actor as Json | null)?.id ?? by, detail])).toEqual([
      ['system (scim)', { transition: 'deleted', code: 'legal-hold' }],
      [cast.owner.id, { transition: 'deleted', code: 'legal-hold' }],
      [cast.owner.id, { transition: 'transferred', code: 'legal-hold' }],
      [cast.owner.id, { transition: 'deleted', code: 'legal-hold' }],
      [cast.owner.id, { transition: 'deleted', code: 'legal-hold' }],
    ]);
    await stays(ada);
  });

  it('rows of a bulk request and due scheduled departures are refused', async () => {
    const { ada, dan } = cast;
    const body = { transition: 'deleted', users: [{ userId: ada.id }, { userId: dan.id }] };
    const { id } = await owner().post('/v1/departures/bulk', body);
    await eventually(async () => {
      const bulk = await owner().get(`/v1/departures/bulk/${id}`);
      expect(bulk).toMatchObject({ status: 'completed', counts: { refused: 1, completed: 1 } });
    });
    expect(await refusals()).toMatchObject([leftBy(cast.owner, ada, { transition: 'deleted', code: 'legal-hold' })]);
    const effectiveAt = new Date(system.clock.millis() + 86_400_000).toISOString();
    const scheduled = await owner().post<Departure>(`/v1/users/${ada.id}/delete`, { effectiveAt });
    system.advanceDays(1);
    cast.owner.api = await signIn(system, cast.owner.email);
    await eventually(async () => {
      const departure = await owner().get(`/v1/departures/${scheduled.id}`);
      expect(departure).toMatchObject({ status: 'failed', error: 'legal-hold' });
    });
    expect((await refusals())[0]).toMatchObject({
      ...{ actor: null, system: 'system (departure)', subject: { id: ada.id } },
      detail: { departureId: scheduled.id, transition: 'deleted', code: 'legal-hold' },
    });
    expect(await owner().get(`/v1/users/${ada.id}`)).toMatchObject({ status: 'active' });
  });
});
