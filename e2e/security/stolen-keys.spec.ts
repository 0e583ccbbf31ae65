import { automations, contacts, type DeletionStatement } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { CompactSign, decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvidenceKeys } from '../../services/identity/src/signing-key/evidence-keys.js';
import type { SigningKey } from '../../services/identity/src/signing-key/key-rows.js';
import { TokenKeys } from '../../services/identity/src/signing-key/token-keys.js';
import type { Json } from '../support/api.js';
import { anAccount, PASSWORD, signIn, type Cast } from '../support/cast.js';
import { publishedCertificate, verificationOf } from '../support/certificates.js';
import { over, type Departure } from '../support/departures.js';
import { leaver } from '../support/program.js';
import { story } from '../support/story.js';
import { System } from '../support/system.js';
import { ask } from './ask.js';
import { RawCaller } from './raw-caller.js';

const LAST_YEAR = 365 * 86_400_000;
const HOUR = 3_600_000;

let system: System;
let cast: Cast;
let folder: string;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'helpdesk');
  folder = await mkdtemp(join(tmpdir(), 'leaver-stolen-'));
}, 60_000);
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true });
});

const identity = () => system.services.get('identity')!.app;
const evidence = () => identity().get(EvidenceKeys, { strict: false });
const cli = async (...args: string[]) => {
  const env = { LEAVER_HOME: folder, LEAVER_URL: system.url, ...system.operator };
  const { exitCode, out } = await leaver([...args, '--json'], env);
  return { exitCode, value: JSON.parse(out) as Json };
};
const file = async (name: string, content: unknown) => {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

describe('a thief of the key that signs certificates', () => {
  it('signs no access token that a gateway or a service accepts', async () => {
    const login = await system.api().post('/v1/auth/login', { email: cast.owner.email, password: PASSWORD });
    const good = login.accessToken as string;
    const ofTokens = identity().get(TokenKeys, { strict: false }).current();
    const forged = ({ key }: SigningKey, kid: string) =>
      new SignJWT(decodeJwt(good)).setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' }).sign(key);
    const caller = await RawCaller.connect(system, 'identity');
    const onTheBroker = (token: string) =>
      Promise.all(
        [contacts.list, automations.list].map(({ subject }) =>
          caller.try(subject, { data: { params: {}, query: {}, body: {} }, token }),
        ),
      );
    const atTheGateway = async (token: string) =>
      (await ask(system.url, { method: 'GET', path: '/v1/me', token })).status;
    try {
      expect([await atTheGateway(good), ...(await onTheBroker(good))]).toEqual([200, 'ok', 'ok']);
      for (const stolen of [evidence().current('certificates'), evidence().current('heads')])
        for (const kid of [stolen.kid, ofTokens.kid]) {
          const token = await forged(stolen, kid);
          const outcomes = [await atTheGateway(token), ...(await onTheBroker(token))];
          expect(outcomes).toEqual([401, 'unauthenticated', 'unauthenticated']);
        }
    } finally {
      await caller.close();
    }
  });

  const step = story();
  let deletion: Departure;
  let stolen: SigningKey;
  let stolenAt: string;
  let genuine: string;
  let proof: unknown;
  /** A certificate of a deletion that never happened: of a user who still works here. */
  const forge = (issuedAt: number) => {
    const statement = JSON.parse(Buffer.from(genuine.split('.')[1]!, 'base64url').toString()) as DeletionStatement;
    const claims = { ...statement, userId: cast.ben.id, issuedAt: new Date(issuedAt).toISOString() };
    return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'EdDSA', kid: stolen.kid, typ: 'deletion-certificate+jws' })
      .sign(stolen.key);
  };
  const published = async () => (await fetch(`${system.url}/.well-known/jwks.json`)).json() as Promise<Json>;

  step('dates a certificate back to last year, and the log does not have it', async () => {
    deletion = await over(cast.owner.api, await cast.owner.api.post<Departure>(`/v1/users/${cast.dan.id}/delete`));
    const { jws, verification } = await publishedCertificate(system, cast.owner.api, deletion);
    expect(verification).toMatchObject({ valid: true, log: { publishedAt: expect.any(String) } });
    [genuine, proof] = [jws, verification];
    system.clock.advance(HOUR);
    stolenAt = new Date(system.clock.millis()).toISOString();
    system.clock.advance(HOUR);
    stolen = evidence().current('certificates');
    const forged = await forge(system.clock.millis() - LAST_YEAR);
    expect(await verificationOf(system, forged)).toMatchObject({ valid: false, reason: 'not-in-log', log: null });
    const { exitCode, value } = await cli('certificate', await file('forged.jws', forged));
    expect([exitCode, value]).toMatchObject([1, { valid: false, reason: 'not-in-log' }]);
  });

  step('is not found out offline by somebody who has neither a proof nor news of the theft', async () => {
    const keys = await file('keys.json', await published());
    const forged = await file('forged.jws', await forge(system.clock.millis() - LAST_YEAR));
    const { exitCode, out } = await leaver(['certificate', forged, '--keys', keys], {});
    expect([exitCode, out]).toEqual([0, expect.stringContaining('Not known without --proof')]);
  });

  step('cannot use the proof of a genuine certificate', async () => {
    const keys = await file('keys.json', await published());
    const proofs = await file('proof.json', proof);
    const forged = await file('forged.jws', await forge(system.clock.millis() - LAST_YEAR));
    const offline = (certificate: string) => cli('certificate', certificate, '--keys', keys, '--proof', proofs);
    expect(await offline(forged)).toMatchObject({ exitCode: 1, value: { reason: 'proof' } });
    const found = await offline(await file('genuine.json', { jws: genuine }));
    expect(found).toMatchObject({ exitCode: 0, value: { valid: true, publishedAt: expect.any(String) } });
  });

  step('has a worthless key after its withdrawal, and certificates from before stay valid', async () => {
    const withdrawn = await cli('withdraw-signing-key', stolen.kid, '--since', stolenAt, '--yes');
    const replacedBy = evidence().current('certificates').kid;
    expect(withdrawn).toMatchObject({ exitCode: 0, value: { kid: stolen.kid, purpose: 'certificates', replacedBy } });

    const afterTheft = await forge(system.clock.millis());
    const backdated = await forge(system.clock.millis() - LAST_YEAR);
    expect(await verificationOf(system, afterTheft)).toMatchObject({ valid: false, reason: 'key-withdrawn' });
    expect(await verificationOf(system, backdated)).toMatchObject({ valid: false, reason: 'not-in-log' });
    expect(await verificationOf(system, genuine)).toMatchObject({ valid: true });

    system.clock.advance(60_000);
    const keys = await eventually(async () => {
      const found = await published();
      const key = (found.keys as Json[]).find(({ kid }) => kid === stolen.kid);
      expect(key).toMatchObject({ revoked: { reason: 'compromised' } });
      return file('keys-after.json', found);
    });
    const proofs = await file('proof.json', proof);
    const offline = async (jws: string, ...more: string[]) =>
      (await cli('certificate', await file('one.jws', jws), '--keys', keys, ...more)).value;
    expect(await offline(afterTheft)).toMatchObject({ valid: false, reason: 'key-withdrawn' });
    expect(await offline(backdated)).toMatchObject({ valid: false, reason: 'log-not-confirmed' });
    expect(await offline(genuine)).toMatchObject({ valid: false, reason: 'log-not-confirmed' });
    expect(await offline(genuine, '--proof', proofs)).toMatchObject({ valid: true });
  });

  step('cannot sign what is issued from then on', async () => {
    const owner = await signIn(system, cast.owner.email, PASSWORD);
    const { jws, verification } = await publishedCertificate(system, owner, deletion);
    expect(verification).toMatchObject({ valid: true });
    expect(decodeProtectedHeader(jws).kid).not.toBe(stolen.kid);
  });
});
