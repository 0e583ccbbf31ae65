import { compactVerify, createRemoteJWKSet, decodeProtectedHeader } from 'jose';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCOPES } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import type { Api, Json } from '../support/api.js';
import { signIn } from '../support/cast.js';
import { verificationOf } from '../support/certificates.js';
import { leaver } from '../support/program.js';
import { counts, linesOf, over, type Departure, type Line } from '../support/departures.js';
import { ScimApi } from '../support/scim-api.js';
import type { System } from '../support/system.js';
import type { Facts, Subject } from './recording.js';
import { freshSchema, importSourcePassword, upgraded, upgradedSchema } from './restored.js';

/**
 * No test depends on another: each uses people of its own. The tests that move the clock come last, because sessions and
 * tokens expire then.
 */
describe.each(['0.1.0'])('an installation of %s that has been upgraded', (version) => {
  let system: System;
  let facts: Facts;
  let home: string;
  beforeAll(async () => {
    ({ system, facts } = await upgraded(version));
    home = await mkdtemp(join(tmpdir(), 'leaver-cli-'));
  }, 60_000);
  afterAll(async () => {
    await system?.stop();
    if (home) await rm(home, { recursive: true });
  });

  const as = (email: string): Promise<Api> => signIn(system, email, facts.password);
  const departureOf = async ({ owner, departureId }: Subject) =>
    (await as(owner)).get<Departure>(`/v1/departures/${departureId}`);
  const ended = async ({ owner, departureId }: Subject) => over(await as(owner), { id: departureId });
  const stateOf = async ({ owner, userId }: { owner: string; userId: string }) =>
    (await (await as(owner)).get(`/v1/users/${userId}`)).status;
  const decide = async (owner: Api, userId: string, how: 'deactivate' | 'delete' | 'reactivate', body: Json = {}) =>
    over(owner, await owner.post<Departure>(`/v1/users/${userId}/${how}`, body));

  /** What a verification of the account finds. */
  async function broken(email: string): Promise<Json[]> {
    const owner = await as(email);
    const { id } = await owner.post('/v1/departures/verify');
    const verified = await eventually(async () => {
      const found = await owner.get<{ status: string; broken: Json[] }>(`/v1/departures/verify/${String(id)}`);
      return found.status === 'completed' && found;
    });
    return (verified as { broken: Json[] }).broken;
  }

  it('has the same tables as a new installation', async () => {
    const compare = async (service: string) =>
      expect([service, ...(await upgradedSchema(system, service))]).toEqual([service, ...(await freshSchema(service))]);
    await Promise.all(facts.services.map(compare));
  });

  it('accepts existing passwords and tokens, but no revoked ones', async () => {
    const { email, accessToken, refreshToken, apiToken, invitation, passwordReset } = facts.access;
    for (const token of [accessToken, apiToken]) expect(await system.api(token).get('/v1/me')).toMatchObject({ email });
    const { items } = await system.api(apiToken).get<{ items: Json[] }>('/v1/me/api-tokens');
    expect(items).toContainEqual(expect.objectContaining({ scopes: SCOPES, expiresAt: expect.any(String) }));
    const revoked = system.api(facts.revokedToken);
    expect(await revoked.refusal(revoked.get('/v1/me'))).toMatchObject({ status: 401 });
    const renewed = await system.api().post('/v1/auth/refresh', { refreshToken });
    expect(await system.api(renewed.accessToken as string).get('/v1/me')).toMatchObject({ email });
    for (const { owner } of facts.accounts)
      expect(await (await as(owner)).get('/v1/me')).toMatchObject({ email: owner });
    const joined = await system
      .api()
      .post('/v1/invitations/accept', { token: invitation, password: 'my own and long enough' });
    expect(await system.api(joined.accessToken as string).get('/v1/me')).toMatchObject({ status: 'active' });
    const password = 'remembered from now on';
    await system.api().post('/v1/auth/password-reset/confirm', { token: passwordReset.token, password });
    expect(await (await signIn(system, passwordReset.email, password)).get('/v1/me')).toMatchObject({
      email: passwordReset.email,
    });
  });

  it('gives the same answer to a call that is repeated with its key', async () => {
    const { email, path, key, body, answer } = facts.repeated;
    const { accessToken } = await system.api().post('/v1/auth/login', { email, password: facts.password });
    const headers = { authorization: `Bearer ${String(accessToken)}`, 'content-type': 'application/json' };
    const response = await fetch(`${system.url}${path}`, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    expect(await response.json()).toEqual(answer);
  });

  it('shows ended departures unchanged', async () => {
    for (const { owner, departures } of facts.accounts) {
      const api = await as(owner);
      const were = departures.filter(({ status }) => ['completed', 'superseded', 'cancelled'].includes(status));
      const are = await Promise.all(were.map(({ id }) => api.get<Departure>(`/v1/departures/${id}`)));
      expect(
        are.map((departure) => ({
          ...{ id: departure.id, userId: departure.userId, transition: departure.transition, status: departure.status },
          affected: linesOf(departure).reduce((sum, { affected }) => sum + affected, 0),
        })),
      ).toEqual(were);
    }
    const { owner, id, counts: numbers } = facts.bulk;
    expect(await (await as(owner)).get(`/v1/departures/bulk/${id}`)).toMatchObject({ counts: numbers });
  });

  it('publishes the keys of all issued certificates, which stay valid without the log', async () => {
    const keys = createRemoteJWKSet(new URL(`${system.url}/.well-known/jwks.json`));
    for (const { jws, departureId, userId } of facts.certificates) {
      const { payload } = await compactVerify(jws, keys);
      expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({ departureId, userId });
      expect(await verificationOf(system, jws)).toMatchObject({ valid: true, log: null });
    }
    expect(new Set(facts.certificates.map(({ jws }) => decodeProtectedHeader(jws).kid)).size).toBe(2);
  });

  it('has a valid audit trail in every account', async () => {
    for (const { owner } of facts.accounts)
      expect(await (await as(owner)).get('/v1/audit/verify')).toMatchObject({ valid: true });
  });

  it('completes a departure that a service had not answered', async () => {
    const { owner, numberId, successorId } = facts.unfinished;
    const departure = await ended(facts.unfinished);
    expect(departure.status).toBe('completed');
    expect(linesOf(departure).filter(({ remaining }) => remaining !== 0)).toEqual([]);
    expect(await (await as(owner)).get(`/v1/numbers/${numberId}`)).toMatchObject({ ownerId: successorId });
  });

  it('completes a failed departure that is retried', async () => {
    const { owner, departureId, automationId } = facts.failed;
    expect(await departureOf(facts.failed)).toMatchObject({ status: 'failed' });
    const api = await as(owner);
    await api.post(`/v1/departures/${departureId}/retry`);
    expect(await ended(facts.failed)).toMatchObject({ status: 'completed' });
    expect(await api.get(`/v1/automations/${automationId}`)).toMatchObject({ active: false });
    expect(await broken(owner)).toEqual([]);
  });

  it.each(['crm', 'texting', 'calls'])('verifies the account of preset %s without findings', async (preset) => {
    expect(await broken(facts.accounts.find((account) => account.preset === preset)!.owner)).toEqual([]);
  });

  it('restores what a departure before the upgrade has changed', async () => {
    const { owner, userId, automationIds, contacts } = facts.restorable;
    const api = await as(owner);
    expect(await api.all(`/v1/contacts?assignee=${userId}`)).toEqual([]);
    expect(await decide(api, userId, 'reactivate', { restore: 'all' })).toMatchObject({ status: 'completed' });
    expect(await api.all(`/v1/contacts?assignee=${userId}`)).toHaveLength(contacts);
    for (const id of automationIds) expect(await api.get(`/v1/automations/${id}`)).toMatchObject({ active: true });
  });

  it('signs webhooks with the existing secrets', async () => {
    const { owner, id, secret } = facts.webhook;
    const signatures = new Map<string, boolean>();
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
    const receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (text) => (body += text));
      request.on('end', () => {
        const [webhookId, time] = ['webhook-id', 'webhook-timestamp'].map((name) => String(request.headers[name]));
        const signature = createHmac('sha256', key).update(`${webhookId}.${time}.${body}`).digest('base64');
        signatures.set(webhookId!, request.headers['webhook-signature'] === `v1,${signature}`);
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
    try {
      const api = await as(owner);
      await api.patch(`/v1/webhooks/${id}`, { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}` });
      const { deliveryId } = await api.post(`/v1/webhooks/${id}/test`);
      expect(await eventually(() => signatures.has(deliveryId as string) && [...signatures.values()])).not.toContain(
        false,
      );
    } finally {
      receiver.close();
    }
  });

  it('reads the passwords of import sources', async () => {
    const { id, password } = facts.importSource;
    expect(await importSourcePassword(system, id)).toBe(password);
  });

  it('serves the identity provider as before: token, users and groups are the same', async () => {
    const { token, groupId, activeIds, deactivatedId, deletedId } = facts.scim;
    const scim = new ScimApi(system.url, token);
    const { body: group } = await scim.get(`/Groups/${groupId}`);
    expect(group.members.map(({ value }: Json) => value).sort()).toEqual(activeIds);
    expect((await scim.get(`/Users/${deletedId}`)).status).toBe(404);
    const setActive = (id: string, active: boolean) =>
      scim.patch(`/Users/${id}`, [{ op: 'replace', value: { active } }]);
    expect((await setActive(activeIds[0]!, false)).body).toMatchObject({ active: false });
    expect((await setActive(deactivatedId, true)).body).toMatchObject({ active: true });
  });

  it('keeps dead letters, and no directory differs from identity', async () => {
    const env = { LEAVER_HOME: home, ...system.operator };
    const ask = async (question: string) => JSON.parse((await leaver([question, '--json'], env)).out) as Json[];
    const messages = (await ask('dead-letters')).filter(({ kind }) => kind === 'message');
    expect(messages.map(({ service }) => service).sort()).toEqual(
      [...facts.services, 'notifications'].filter((name) => name !== 'identity').sort(),
    );
    await eventually(async () => expect(await ask('drift')).toEqual([]));
  });

  it('keeps policies, care and legal holds', async () => {
    const { overrides } = facts.policy;
    expect(await (await as(facts.policy.owner)).get('/v1/policy')).toMatchObject({ overrides });
    const { owner, userId, caretakerId } = facts.caretaker;
    expect(await (await as(owner)).get(`/v1/users/${userId}`)).toMatchObject({ caretakerId });
    const held = await as(facts.held.owner);
    const refused = await held.refusal(held.post(`/v1/users/${facts.held.userId}/delete`));
    expect(refused).toMatchObject({ code: 'legal-hold' });
  });

  it.each(['crm', 'texting', 'calls'])('deactivates, reactivates and deletes users (%s)', async (preset) => {
    const { owner: email, userId, successorId } = facts.newcomers.find((one) => one.preset === preset)!;
    const owner = await as(email);
    const preview = await owner.get<{ rules: Line[] }>(`/v1/users/${userId}/departure-preview?transition=deactivated`);
    const left = await decide(owner, userId, 'deactivate');
    expect(left.status).toBe('completed');
    expect(counts(linesOf(left))).toEqual(counts(preview.rules));
    expect(await decide(owner, userId, 'reactivate', { restore: 'all' })).toMatchObject({ status: 'completed' });
    const overrides = { 'telephony.numbers': 'transfer', 'telephony.call-routing': 'transfer' };
    await decide(owner, userId, 'deactivate');
    const gone = await decide(owner, userId, 'delete', { overrides, successors: { default: successorId } });
    expect(gone.status).toBe('completed');
    expect(linesOf(gone).filter(({ remaining }) => remaining !== 0)).toEqual([]);
    const { jws } = await owner.get<{ jws: string }>(`/v1/departures/${gone.id}/certificate`);
    await compactVerify(jws, createRemoteJWKSet(new URL(`${system.url}/.well-known/jwks.json`)));
  });

  it('publishes an unanswered event again that the broker has lost', async () => {
    system.advanceDays(1 / 24);
    expect(await ended(facts.unpublished)).toMatchObject({ status: 'completed' });
  });

  it('continues the retries of a service', async () => {
    system.advanceDays(1 / 24);
    for (const one of facts.retrying) {
      expect(await ended(one)).toMatchObject({ status: 'completed' });
      expect(await (await as(one.owner)).get(`/v1/automations/${one.automationId}`)).toMatchObject({ active: false });
    }
  });

  it('runs scheduled departures and delayed effects when due', async () => {
    const last = [facts.scheduled.effectiveAt, facts.onLeave.returnAt, facts.delayed.dueAt, facts.held.dueAt]
      .sort()
      .at(-1)!;
    system.advanceDays((Date.parse(last) - system.clock.millis()) / 86_400_000 + 1);
    const { scheduled, onLeave, delayed, held } = facts;
    for (const [planned, state] of [
      [scheduled, 'deactivated'],
      [onLeave, 'active'],
    ] as const) {
      await eventually(async () => expect(await stateOf(planned)).toBe(state));
      expect(await ended(planned)).toMatchObject({ status: 'completed' });
    }
    const due = (departure: Departure) => linesOf(departure).filter(({ dueAt }) => dueAt);
    await eventually(async () => {
      const lines = due(await departureOf(delayed));
      expect(lines.map(({ rule }) => rule).sort()).toEqual(['messaging.private-emails', 'telephony.numbers']);
      expect(lines.filter(({ doneAt }) => !doneAt)).toEqual([]);
    });
    expect(await (await as(delayed.owner)).get(`/v1/numbers/${delayed.numberId}`)).toMatchObject({ state: 'released' });
    const isHeld = async () => expect(due(await departureOf(held))).toMatchObject([{ heldAt: expect.any(String) }]);
    await eventually(isHeld);
    await (await as(held.owner)).delete(`/v1/users/${held.userId}/legal-hold`);
    await eventually(async () => expect(due(await departureOf(held))).toMatchObject([{ doneAt: expect.any(String) }]));
  });
});
