import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { CompactSign, compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { sql } from 'kysely';
import {
  auditList,
  authenticate,
  certificatesVerify,
  departuresCertificate,
  NOBODY,
  signingKeys,
  withdrawSigningKey,
  type Certificate,
  type Departure,
  type Principal,
} from '#libs/contracts';
import { withClient } from '#libs/local-servers';
import { AuditHeadsWorker } from '../../../audit/heads/audit-heads.worker.js';
import { EvidenceKeys } from '../../../signing-key/evidence-keys.js';
import { TokenKeys } from '../../../signing-key/token-keys.js';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';

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

describe('a certificate', () => {
  const check = (jws: string) => identity.call(certificatesVerify, { principal: NOBODY, body: { jws } });
  const publish = () => identity.get(AuditHeadsWorker).drain();
  const now = () => identity.clock.millis();
  const ago = (seconds: number) => new Date(now() - seconds * 1_000).toISOString();
  const kidOf = (jws: string) => decodeProtectedHeader(jws).kid!;
  /** What a thief signs who has this key. */
  const forge = ({ payload }: Certificate, issuedAt: string, { kid, key } = stolenKey()) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify({ ...payload, issuedAt })))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'deletion-certificate+jws' })
      .sign(key);
  const stolenKey = () => identity.get(EvidenceKeys).current('certificates');
  const withdraw = (kid: string, since: string) => identity.client.ask(withdrawSigningKey, { kid, since });
  /** Every check of the database can be switched off by its superuser. */
  const asSuperuser = (statements: string) =>
    withClient(identity.database.adminUrl, async (client) => void (await client.query(statements)));

  it('is in the log, and valid for everybody', async () => {
    const { jws, position, loggedAt, payload } = await certificateOf(deletion.id);
    const entry = await entryAt(position!);
    expect(entry).toMatchObject({ action: 'certificate.issued', at: loggedAt, subject: { id: leaver.userId } });
    const sha256 = createHash('sha256').update(jws).digest('hex');
    expect(entry!.detail).toEqual({ sha256, kid: kidOf(jws), departureId: deletion.id });
    const log = { position, loggedAt, publishedAt: null, proof: null };
    const verification = { valid: true, kid: kidOf(jws), issuedAt: payload.issuedAt };
    expect(await check(jws)).toEqual({ ...verification, log });
    await publish();
    const published = { position, loggedAt, publishedAt: expect.any(String), proof: expect.any(Object) };
    expect(await check(jws)).toEqual({ ...verification, log: published });
  });

  it('is the same for an hour, so that reading it again adds nothing to the log', async () => {
    const first = await certificateOf(deletion.id);
    expect(await certificateOf(deletion.id)).toEqual(first);
    identity.clock.advance(3_600_000);
    const second = await certificateOf(deletion.id);
    expect(second.position).toBeGreaterThan(first.position!);
    for (const { jws } of [first, second]) expect(await check(jws)).toMatchObject({ valid: true });
  });

  it('stays in the log when the manager who got it is deleted', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const { jws } = await certificateOf(deletion.id, admin);
    await departures.until(owner, await departures.delete(owner, admin.userId), 'completed');
    expect(await check(jws)).toMatchObject({ valid: true });
    const text = JSON.stringify((await check(jws)).log);
    for (const detail of ['Robin', 'nest.example', 'R1"', 'asked for it']) expect(text).not.toContain(detail);
  });

  it('that a thief dates back is found out', async () => {
    const genuine = await certificateOf(deletion.id);
    const forged = await forge(genuine, '2020-01-01T00:00:00.000Z');
    expect(await check(forged)).toMatchObject({ valid: false, reason: 'not-in-log', log: null });
    // The entry of the genuine one does not help the forged one.
    expect(await check(genuine.jws)).toMatchObject({ valid: true });
  });

  it('of a stolen key counts if it was issued, logged and published before the theft', async () => {
    const genuine = await certificateOf(deletion.id);
    await publish();
    identity.clock.advance(3_600_000);
    const unpublished = await certificateOf(deletion.id);
    identity.clock.advance(60_000);
    const since = ago(0);
    identity.clock.advance(3_600_000);
    const { kid, key } = stolenKey();
    const afterTheft = await certificateOf(deletion.id);
    await publish();
    await withdraw(kid, since);
    const keyWithdrawnFrom = new Date(Math.floor(Date.parse(since) / 1_000) * 1_000).toISOString();
    expect(await check(genuine.jws)).toMatchObject({ valid: true, keyWithdrawnFrom });
    expect(await check(afterTheft.jws)).toMatchObject({ valid: false, reason: 'key-withdrawn', keyWithdrawnFrom });
    expect(await check(unpublished.jws)).toMatchObject({ valid: false, reason: 'log-not-confirmed' });
    const backdated = await forge(genuine, '2020-01-01T00:00:00.000Z', { kid, key });
    expect(await check(backdated)).toMatchObject({ valid: false, reason: 'not-in-log' });
    const again = await certificateOf(deletion.id);
    expect(kidOf(again.jws)).not.toBe(kid);
    expect(await check(again.jws)).toMatchObject({ valid: true });
  });

  it('of a key from before keys had purposes is valid without the log, unless the key was stolen', async () => {
    const genuine = await certificateOf(deletion.id);
    const { kid, key } = identity.get(TokenKeys).current();
    await identity.query(sql`
      update signing_key set purpose = null, public_jwk = public_jwk - 'purpose' where kid = ${kid}`);
    const old = await forge(genuine, '2020-01-01T00:00:00.000Z', { kid, key });
    expect(await check(old)).toMatchObject({ valid: true, log: null });
    const newer = await forge(genuine, new Date(now() + 2 * 86_400_000).toISOString(), { kid, key });
    expect(await check(newer)).toMatchObject({ valid: false, reason: 'not-in-log' });
    await withdraw(kid, ago(0));
    expect(await check(old)).toMatchObject({ valid: false, reason: 'not-in-log' });
    // Services fetch the keys again for a token with an unknown one, a few seconds after the last time.
    identity.clock.advance(6_000);
  });

  it('that is signed with a key of another purpose does not verify', async () => {
    const genuine = await certificateOf(deletion.id);
    for (const other of [identity.get(TokenKeys).current(), identity.get(EvidenceKeys).current('heads')]) {
      const forged = await forge(genuine, genuine.payload.issuedAt, other);
      expect(await check(forged)).toMatchObject({ valid: false, reason: 'unknown-key', kid: other.kid });
    }
  });

  it('that is damaged is refused with the reason', async () => {
    const { jws } = await certificateOf(deletion.id);
    const [header, body, signature] = jws.split('.') as [string, string, string];
    const other = Buffer.from('{}').toString('base64url');
    expect(await check(`${header}.${other}.${signature}`)).toMatchObject({ valid: false, reason: 'signature' });
    const accessToken = (await identity.anAccount()).accessToken;
    for (const text of ['x', `${header}.${body}`, `${other}.${body}.${signature}`, accessToken])
      expect(await check(text)).toMatchObject({ valid: false, reason: 'malformed', log: null });
  });

  it('whose entry was changed or moved in the database is not in the log', async () => {
    const { jws, position } = await certificateOf(deletion.id);
    const tampered = (statement: string) => asSuperuser(`set session_replication_role = replica; ${statement}`);
    const entry = `account_id = '${owner.accountId}' and seq = ${position!}`;
    await tampered(`update audit_entry set at = at - interval '1 year' where ${entry}`);
    expect(await check(jws)).toMatchObject({ valid: false, reason: 'not-in-log' });
    await tampered(`update audit_entry set at = at + interval '1 year' where ${entry}`);
    expect(await check(jws)).toMatchObject({ valid: true });
    await tampered(`update certificate_log set seq = 1 where ${entry}`);
    expect(await check(jws)).toMatchObject({ valid: false, reason: 'not-in-log' });
  });

  it.each(["update certificate_log set sha256 = 'x'", 'delete from certificate_log', 'truncate certificate_log'])(
    'cannot be taken out of the log by the service’s role: %s',
    async (statement) => {
      const { jws } = await certificateOf(deletion.id);
      const attempt = withClient(identity.database.url, (client) => client.query(statement));
      await expect(attempt).rejects.toMatchObject({ code: '42501' });
      expect(await check(jws)).toMatchObject({ valid: true });
    },
  );

  const entryAt = async (position: number) => {
    const query = { action: 'certificate.issued', limit: 50 };
    const { items } = await identity.call(auditList, { principal: owner, query });
    return items.find(({ seq }) => seq === position);
  };
});
