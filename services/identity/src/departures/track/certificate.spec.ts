import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import {
  authenticate,
  departuresCertificate,
  signingKeys,
  type Certificate,
  type Departure,
  type Principal,
} from '#libs/contracts';
import { EvidenceKeys } from '../../signing-key/evidence-keys.js';
import { TestDepartures } from '../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
let deletion: Departure;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  leaver = await identity.aPerson(owner, { name: 'Robin Redbreast', email: 'robin@nest.example', staffId: 'R1' });
  await departures.peer.give(owner.accountId, leaver.userId, 'record', 3);
  const started = await departures.delete(owner, leaver.userId, { reason: 'Robin asked for it' });
  deletion = await departures.until(owner, started, 'completed');
});
afterAll(() => departures.stop());

const certificateOf = (id: string, principal = owner): Promise<Certificate> =>
  identity.call(departuresCertificate, { principal, params: { id } });
const keySet = async () => (await identity.client.ask(signingKeys, {})) as unknown as JSONWebKeySet;
const verified = async ({ jws }: Certificate, keys: JSONWebKeySet) =>
  JSON.parse(new TextDecoder().decode((await compactVerify(jws, createLocalJWKSet(keys))).payload));

it('the certificate of a completed deletion names the requester, the policy and the result of every rule', async () => {
  const certificate = await certificateOf(deletion.id);
  const statement = await verified(certificate, await keySet());
  expect(statement).toEqual(certificate.payload);
  expect(statement).toMatchObject({
    departureId: deletion.id,
    accountId: owner.accountId,
    userId: leaver.userId,
    transition: 'deleted',
    requestedBy: owner.userId,
    completedAt: deletion.completedAt,
    policy: { preset: 'helpdesk', version: 1 },
  });
  expect(statement.services).toEqual(deletion.services.map(({ service, rules }) => ({ service, rules })));
  const records = statement.services[1].rules.find(
    (line: { rule: string; transition: string }) => line.rule === 'telephony.records' && line.transition === 'deleted',
  );
  expect(records).toMatchObject({ action: 'unassign', affected: 3, remaining: 0 });
});

it('a certificate contains what the deactivation before the deletion did, with its digest, but not what came before a return', async () => {
  const { userId } = await identity.aPerson(owner, { name: 'Wren' });
  await departures.peer.give(owner.accountId, userId, 'call', 2);
  const leave = async () => departures.until(owner, await departures.deactivate(owner, userId), 'completed');
  await leave();
  await departures.until(owner, await departures.reactivate(owner, userId), 'completed');
  await departures.peer.give(owner.accountId, userId, 'call', 1);
  const deactivated = await leave();
  const deleted = await departures.until(owner, await departures.delete(owner, userId), 'completed');
  const { payload } = await certificateOf(deleted.id);
  const { id: departureId, transition, requestedAt, completedAt } = deactivated;
  expect(payload.earlier).toMatchObject([{ departureId, transition, requestedAt, completedAt }]);
  const [{ services, sha256 }] = payload.earlier as [Certificate['payload']['earlier'][number]];
  const calls = services.flatMap(({ rules }) => rules).find(({ rule }) => rule === 'telephony.calls');
  expect(calls).toMatchObject({ action: 'unassign', affected: 1, remaining: 0 });
  const ordered = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(ordered)
      : value && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value)
              .sort(([one], [other]) => (one < other ? -1 : 1))
              .map(([key, one]) => [key, ordered(one)]),
          )
        : value;
  expect(sha256).toBe(
    createHash('sha256')
      .update(JSON.stringify(ordered(services)))
      .digest('hex'),
  );
});

it('a certificate contains no personal data', async () => {
  const text = JSON.stringify(await verified(await certificateOf(deletion.id), await keySet()));
  for (const detail of ['Robin', 'nest.example', 'R1"', 'asked for it']) expect(text).not.toContain(detail);
});

it('a certificate is invalid if a letter is changed, or with other keys', async () => {
  const { jws, payload } = await certificateOf(deletion.id);
  const [header, body, signature] = jws.split('.') as [string, string, string];
  const forged = Buffer.from(JSON.stringify({ ...payload, requestedBy: leaver.userId })).toString('base64url');
  expect(body).not.toBe(forged);
  await expect(verified({ jws: [header, forged, signature].join('.'), payload }, await keySet())).rejects.toThrow();
  await expect(verified({ jws, payload }, { keys: [] })).rejects.toThrow();
});

it('a certificate still verifies after a key rotation', async () => {
  const before = await certificateOf(deletion.id);
  await identity.get(EvidenceKeys).replace('certificates');
  const after = await certificateOf(deletion.id);
  const kids = [before, after].map(
    ({ jws }) => JSON.parse(Buffer.from(jws.split('.')[0]!, 'base64url').toString()).kid,
  );
  expect(kids[0]).not.toBe(kids[1]);
  for (const certificate of [before, after]) expect(await verified(certificate, await keySet())).toBeTruthy();
});

it('a certificate is not accepted as an access token', async () => {
  const { jws } = await certificateOf(deletion.id);
  expect(await identity.client.ask(authenticate, { token: jws })).toBeNull();
});

it('there is no certificate for a deactivation, a running departure, or another account', async () => {
  const other = await identity.aPerson(owner);
  const deactivation = await departures.until(owner, await departures.deactivate(owner, other.userId), 'completed');
  expect(await outcomeOf(certificateOf(deactivation.id))).toBe('conflict');
  const effectiveAt = new Date(identity.clock.millis() + 60_000).toISOString();
  const later = await departures.delete(owner, other.userId, { effectiveAt });
  expect(await outcomeOf(certificateOf(later.id))).toBe('conflict');
  const stranger = ownerOf(await identity.anAccount());
  expect(await outcomeOf(certificateOf(deletion.id, stranger))).toBe('not-found');
});
