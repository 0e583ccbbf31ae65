import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { authenticate, authRefresh, NOBODY, signingKeys } from '#libs/contracts';
import { TestIdentity } from '../testing/identity.js';
import { SigningKeys } from './signing-keys.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.stop());

const kids = async () => (await identity.client.ask(signingKeys, {})).keys.map((key) => key.kid);

it('replicas that start at the same moment share one key, each accepting the other’s tokens', async () => {
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

it('after a rotation tokens are signed with the new key, and those of the old one still hold', async () => {
  const { accessToken, refreshToken } = await identity.anAccount();
  const before = await kids();
  await identity.get(SigningKeys).rotate();
  expect(await kids()).toHaveLength(before.length + 1);
  expect(await identity.client.ask(authenticate, { token: accessToken })).not.toBeNull();
  const next = await identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } });
  expect(await identity.client.ask(authenticate, { token: next.accessToken })).not.toBeNull();
});

it('the private key cannot be read in the database', async () => {
  const [row] = await identity.query<{ row: string }>(sql`select signing_key::text as row from signing_key limit 1`);
  expect(row!.row).not.toMatch(/"d":|private/);
  const [{ sealed }] = (await identity.query(sql`select sealed_private_jwk as sealed from signing_key limit 1`)) as [
    { sealed: string },
  ];
  expect(Buffer.from(sealed, 'base64url').includes('"crv"')).toBe(false);
});
