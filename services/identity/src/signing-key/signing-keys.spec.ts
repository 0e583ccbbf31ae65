import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { decodeProtectedHeader } from 'jose';
import { authenticate, authRefresh, NOBODY, rotateSigningKey, signingKeys } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestIdentity } from '../testing/identity.js';
import { PUBLISHED_BEFORE, SigningKeys } from './signing-keys.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.stop());

const kids = async () => (await identity.client.ask(signingKeys, {})).keys.map((key) => key.kid);

it('replicas that start concurrently create and use one key', async () => {
  await identity.query(sql`delete from signing_key`);
  const replicas = await Promise.all([1, 2, 3].map(() => TestIdentity.replica(identity)));
  try {
    const used = replicas.map((replica) => replica.app.get(SigningKeys, { strict: false }).current().kid);
    expect(new Set(used).size).toBe(1);
    expect(await identity.query(sql`select from signing_key`)).toHaveLength(1);
  } finally {
    await Promise.all(replicas.map((replica) => replica.close()));
    await identity.get(SigningKeys).onApplicationBootstrap();
  }
});

const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const accepted = async (token: string) => (await identity.client.ask(authenticate, { token })) !== null;
const refresh = (refreshToken: string) => identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } });
const retired = async () => (await identity.client.ask(signingKeys, {})).retired;

it('a new key is published before all replicas use it, and tokens of the old one stay valid until they expire', async () => {
  const other = await TestIdentity.replica(identity);
  try {
    const first = await identity.anAccount();
    const { kid } = await identity.client.ask(rotateSigningKey, {});
    expect(await kids()).toContain(kid);
    expect((await identity.client.ask(rotateSigningKey, {})).kid).toBe(kid);
    const second = await refresh(first.refreshToken);
    expect(kidOf(second.accessToken)).toBe(kidOf(first.accessToken));

    identity.clock.advance(PUBLISHED_BEFORE);
    await eventually(() => {
      const used = [identity.service, other].map(({ app }) => app.get(SigningKeys, { strict: false }).current().kid);
      expect(used).toEqual([kid, kid]);
    });
    const third = await refresh(second.refreshToken);
    expect(kidOf(third.accessToken)).toBe(kid);
    expect(await Promise.all([first, second, third].map((one) => accepted(one.accessToken)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(await retired()).not.toContain(kidOf(first.accessToken));
    identity.clock.advance(6 * 60_000 + 1);
    expect(await retired()).toContain(kidOf(first.accessToken));
    expect(await retired()).not.toContain(kid);
    expect(await kids()).toContain(kidOf(first.accessToken));
  } finally {
    await other.close();
  }
});

it('a compromised key is replaced immediately: its tokens are refused, and sessions continue with new ones', async () => {
  const { accessToken, refreshToken } = await identity.anAccount();
  await identity.client.ask(rotateSigningKey, {});
  const { kid } = await identity.client.ask(rotateSigningKey, { atOnce: true });
  expect(await accepted(accessToken)).toBe(false);
  const next = await refresh(refreshToken);
  expect([kidOf(next.accessToken), await accepted(next.accessToken)]).toEqual([kid, true]);
  identity.clock.advance(PUBLISHED_BEFORE);
  await identity.get(SigningKeys).refresh();
  expect(identity.get(SigningKeys).current().kid).toBe(kid);
});

it('the private key is stored encrypted', async () => {
  const [row] = await identity.query<{ row: string }>(sql`select signing_key::text as row from signing_key limit 1`);
  expect(row!.row).not.toMatch(/"d":|private/);
  const [{ sealed }] = (await identity.query(sql`select sealed_private_jwk as sealed from signing_key limit 1`)) as [
    { sealed: string },
  ];
  expect(Buffer.from(sealed, 'base64url').includes('"crv"')).toBe(false);
});
