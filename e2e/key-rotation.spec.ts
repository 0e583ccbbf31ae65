import { EntityManager } from '@mikro-orm/postgresql';
import { KeyRotation, Encryption } from '#libs/platform';
import { eventually } from '#libs/test-kit';
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { sql } from 'kysely';
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from './support/api.js';
import { anAccount, PASSWORD, type Cast } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
import { SECRETS } from './support/foundation.js';
import { leaver } from './support/program.js';
import { System } from './support/system.js';

const MINUTE = 60_000;
const NEW = 'a-new-secret-that-replaces-one-and-is-long-enough';
const WRONG = ['a-wrong-secret-that-has-sealed-nothing-at-all', 'another-wrong-secret-that-has-sealed-nothing'];

interface SignedIn {
  accessToken: string;
  refreshToken: string;
}

/** Secrets and keys are replaced one after the other while the system is in use. */
describe('the rotation of', () => {
  let system: System;
  let cast: Cast;
  let home: string;
  let receiver: Server;
  let webhook: { id: string; secret: string };
  let importSource: { id: string };
  let deletion: Departure;
  let certificate: { jws: string };
  const rightlySigned = new Map<string, boolean>();

  beforeAll(async () => {
    system = await System.start();
    home = await mkdtemp(join(tmpdir(), 'leaver-cli-'));
    cast = await anAccount(system, 'texting');
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (text) => (body += text));
      request.on('end', () => {
        const id = String(request.headers['webhook-id']);
        const signed = `${id}.${String(request.headers['webhook-timestamp'])}.${body}`;
        const key = Buffer.from(webhook.secret.replace('whsec_', ''), 'base64');
        const right = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
        rightlySigned.set(id, request.headers['webhook-signature'] === right);
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    webhook = await cast.owner.api.post('/v1/webhooks', { url, events: ['departure.started'] });
    const login = { kind: 'ftp', host: 'ftp.example.com', username: 'leaver', password: 'of the server' };
    importSource = await cast.owner.api.post('/v1/import-sources', { ...login, active: false });
    deletion = await over(cast.owner.api, await cast.owner.api.post<Departure>(`/v1/users/${cast.dan.id}/delete`));
    certificate = await cast.owner.api.get(`/v1/departures/${deletion.id}/certificate`);
  }, 90_000);
  afterAll(async () => {
    receiver?.close();
    await system?.stop();
    await rm(home, { recursive: true });
  });

  const signIn = () =>
    system.api().post<SignedIn & Json>('/v1/auth/login', { email: cast.ben.email, password: PASSWORD });
  const renew = ({ refreshToken }: SignedIn) =>
    system.api().post<SignedIn & Json>('/v1/auth/refresh', { refreshToken });
  const kidOf = (token: string) => decodeProtectedHeader(token).kid!;
  const me = ({ accessToken }: SignedIn) => system.api(accessToken).get('/v1/me');
  const keySet = async () =>
    (await (await fetch(`${system.url}/.well-known/jwks.json`)).json()) as JSONWebKeySet & { keys: { kid: string }[] };
  const verifies = async ({ jws }: { jws: string }) =>
    JSON.parse(new TextDecoder().decode((await compactVerify(jws, createLocalJWKSet(await keySet()))).payload)) as Json;
  const operator = async (...args: string[]) => {
    const env = { LEAVER_HOME: home, ...system.operator };
    const { exitCode, out } = await leaver([...args, '--json'], env);
    return { exitCode, value: JSON.parse(out) as { kid: string; usedFrom: string } };
  };
  const app = (service: string) => system.services.get(service)!.app;
  /** Starts the new replica before the old one stops. */
  const replace = async (service: string, settings: Record<string, string>) => {
    const before = system.services.get(service)!;
    await system.startOne(service, settings);
    await before.close();
  };
  const nothingUnderAnOldSecret = (service: string) =>
    eventually(async () => expect(await app(service).get(KeyRotation, { strict: false }).waiting()).toBe(0));
  /** Repeats a call during the work. @returns the number of calls */
  const meanwhile = async (call: () => Promise<unknown>, work: () => Promise<void>): Promise<number> => {
    let calls = 0;
    let done = false;
    const worker = (async () => {
      for (; !done; calls++) await call();
    })();
    try {
      await work();
    } finally {
      done = true;
      await worker;
    }
    return calls;
  };

  it('the signing key: gateways have the new key before it is used, and tokens stay valid until they expire', async () => {
    const first = await signIn();
    const { exitCode, value: next } = await operator('rotate-signing-key');
    expect(exitCode).toBe(0);
    system.clock.advance(MINUTE);
    expect((await keySet()).keys.map(({ kid }) => kid)).toContain(next.kid);
    const second = await renew(first);
    expect(kidOf(second.accessToken)).toBe(kidOf(first.accessToken));
    system.clock.advance(MINUTE);
    const third = await eventually(async () => {
      const tokens = await signIn();
      expect(kidOf(tokens.accessToken)).toBe(next.kid);
      return tokens;
    });
    for (const tokens of [first, second, third]) expect(await me(tokens)).toMatchObject({ id: cast.ben.id });
    expect(await verifies(certificate)).toMatchObject({ departureId: deletion.id });
  });

  it('the key of certificates: new ones are signed with the new key, and old ones stay valid', async () => {
    const { exitCode, value: next } = await operator('rotate-signing-key', 'certificates');
    expect([exitCode, next]).toMatchObject([0, { purpose: 'certificates' }]);
    system.clock.advance(2 * MINUTE);
    const { api } = cast.owner;
    const again = await eventually(async () => {
      const issued = await api.get<{ jws: string }>(`/v1/departures/${deletion.id}/certificate`);
      expect(kidOf(issued.jws)).toBe(next.kid);
      return issued;
    });
    for (const one of [certificate, again]) expect(await verifies(one)).toMatchObject({ departureId: deletion.id });
    expect(kidOf((await signIn()).accessToken)).not.toBe(next.kid);
  });

  it('a stolen signing key: its tokens are refused, but sessions continue and certificates stay valid', async () => {
    const first = await signIn();
    const { value: next } = await operator('rotate-signing-key', '--at-once');
    system.clock.advance(MINUTE);
    const refused = await fetch(`${system.url}/v1/me`, { headers: { authorization: `Bearer ${first.accessToken}` } });
    expect(refused.status).toBe(401);
    const second = await renew(first);
    expect(kidOf(second.accessToken)).toBe(next.kid);
    expect(await me(second)).toMatchObject({ id: cast.ben.id });
    expect(await verifies(certificate)).toMatchObject({ departureId: deletion.id });
    cast.owner.api = system.api(
      (await system.api().post('/v1/auth/login', { email: cast.owner.email, password: PASSWORD }))
        .accessToken as string,
    );
  });

  it('LEAVER_SECRET: users stay signed in, sessions are renewed, and old and new certificates are valid', async () => {
    let tokens = await signIn();
    const calls = await meanwhile(
      async () => {
        tokens = await renew(tokens);
        await me(tokens);
      },
      async () => {
        await replace('identity', { LEAVER_SECRET: NEW, LEAVER_SECRET_PREVIOUS: SECRETS.LEAVER_SECRET });
        await nothingUnderAnOldSecret('identity');
        await replace('identity', { LEAVER_SECRET: NEW });
      },
    );
    expect(calls).toBeGreaterThan(1);
    expect(await verifies(certificate)).toMatchObject({ departureId: deletion.id });
    const again = await cast.owner.api.get<{ jws: string }>(`/v1/departures/${deletion.id}/certificate`);
    expect(await verifies(again)).toMatchObject({ departureId: deletion.id });
  });

  it('INTEGRATIONS_SECRET: webhooks are still signed with the secrets that their receivers have', async () => {
    const old = SECRETS.INTEGRATIONS_SECRET;
    const pinged: string[] = [];
    const stage = async (settings: Record<string, string>) => {
      await replace('integrations', settings);
      const before = pinged.length;
      await eventually(() => expect(pinged.length).toBeGreaterThan(before + 1));
    };
    await meanwhile(
      async () => {
        const { deliveryId } = await cast.owner.api.post(`/v1/webhooks/${webhook.id}/test`);
        pinged.push(deliveryId as string);
        await eventually(() => expect(rightlySigned.has(deliveryId as string)).toBe(true));
      },
      async () => {
        // Every replica has the new secret before one of them encrypts with it.
        await stage({ INTEGRATIONS_SECRET: old, INTEGRATIONS_SECRET_PREVIOUS: NEW });
        await stage({ INTEGRATIONS_SECRET: NEW, INTEGRATIONS_SECRET_PREVIOUS: old });
        await nothingUnderAnOldSecret('integrations');
        await stage({ INTEGRATIONS_SECRET: NEW });
      },
    );
    expect(pinged.filter((id) => rightlySigned.get(id) !== true)).toEqual([]);
  }, 60_000);

  it('CONTACTS_SECRET: passwords of import sources can be decrypted with the new secret alone', async () => {
    const password = async () => {
      const { rows } = await sql<{ password: string; account_id: string }>`
        select password, account_id from import_source where id = ${importSource.id}`.execute(
        app('contacts').get(EntityManager, { strict: false }).fork().getKysely(),
      );
      return app('contacts').get(Encryption, { strict: false }).decrypt(rows[0]!.password, rows[0]!.account_id);
    };
    await replace('contacts', { CONTACTS_SECRET: NEW, CONTACTS_SECRET_PREVIOUS: SECRETS.CONTACTS_SECRET });
    expect(await password()).toBe('of the server');
    await nothingUnderAnOldSecret('contacts');
    await replace('contacts', { CONTACTS_SECRET: NEW });
    expect(await password()).toBe('of the server');
  });

  it.each([
    ['identity', 'LEAVER_SECRET'],
    ['contacts', 'CONTACTS_SECRET'],
    ['integrations', 'INTEGRATIONS_SECRET'],
  ])('%s with a wrong previous secret does not start, and says so', async (service, setting) => {
    const settings = { [setting]: WRONG[0]!, [`${setting}_PREVIOUS`]: WRONG[1]! };
    await expect(system.startOne(service, settings)).rejects.toThrow(new RegExp(`${setting}_PREVIOUS.* must be`));
  });
});
