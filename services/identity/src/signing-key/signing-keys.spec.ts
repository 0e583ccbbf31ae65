import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { authenticate, authRefresh, NOBODY, rotateSigningKey, signingKeys, withdrawSigningKey } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { outcomeOf, TestIdentity } from '../testing/identity.js';
import { EvidenceKeys } from './evidence-keys.js';
import { PUBLISHED_BEFORE } from './key-rows.js';
import { TokenKeys, UPGRADE_LASTS } from './token-keys.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.stop());

const kids = async () => (await identity.client.ask(signingKeys, {})).keys.map((key) => key.kid);

it('replicas that start concurrently create and use one key for each purpose', async () => {
  await identity.query(sql`delete from signing_key`);
  const replicas = await Promise.all([1, 2, 3].map(() => TestIdentity.replica(identity)));
  try {
    const used = replicas.map(({ app }) => {
      const evidence = app.get(EvidenceKeys, { strict: false });
      const keys = [
        app.get(TokenKeys, { strict: false }).current(),
        evidence.current('certificates'),
        evidence.current('heads'),
      ];
      return keys.map(({ kid }) => kid);
    });
    expect(new Set(used.map(String)).size).toBe(1);
    expect(new Set(used[0]).size).toBe(3);
    expect(await identity.query(sql`select from signing_key`)).toHaveLength(3);
  } finally {
    await Promise.all(replicas.map((replica) => replica.close()));
    await identity.get(TokenKeys).onApplicationBootstrap();
    await identity.get(EvidenceKeys).onApplicationBootstrap();
  }
});

const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const accepted = async (token: string) => (await identity.client.ask(authenticate, { token })) !== null;
const refresh = (refreshToken: string) => identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } });
const otherThan = (purpose: 'certificates' | 'heads') => (purpose === 'heads' ? 'certificates' : 'heads');
const kidOfNext = async () =>
  (await identity.query<{ kid: string }>(sql`select kid from signing_key where next_from is not null`))[0]?.kid;
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
      const used = [identity.service, other].map(({ app }) => app.get(TokenKeys, { strict: false }).current().kid);
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

it.each(['certificates', 'heads'] as const)(
  'a new key of %s is published before all replicas use it, and the others do not change',
  async (purpose) => {
    const other = await TestIdentity.replica(identity);
    try {
      const keys = [identity.service, other].map(({ app }) => app.get(EvidenceKeys, { strict: false }));
      const before = keys.map((one) => one.current(purpose).kid);
      const unchanged = [identity.get(TokenKeys).current().kid, keys[0]!.current(otherThan(purpose)).kid];
      const { kid } = await identity.client.ask(rotateSigningKey, { purpose });
      expect((await identity.client.ask(rotateSigningKey, { purpose })).kid).toBe(kid);
      expect(await kids()).toContain(kid);
      await identity.get(EvidenceKeys).refresh();
      expect(keys.map((one) => one.current(purpose).kid)).toEqual(before);
      identity.clock.advance(PUBLISHED_BEFORE);
      await eventually(() => expect(keys.map((one) => one.current(purpose).kid)).toEqual([kid, kid]));
      expect(await kids()).toContain(before[0]);
      expect([identity.get(TokenKeys).current().kid, keys[0]!.current(otherThan(purpose)).kid]).toEqual(unchanged);
    } finally {
      await other.close();
    }
  },
);

it('a key of certificates or heads is published with its purpose, and signs no token', async () => {
  const { accessToken } = await identity.anAccount();
  const { keys, retired: ofNoTokens } = await identity.client.ask(signingKeys, {});
  for (const purpose of ['certificates', 'heads'] as const) {
    const { kid, key } = identity.get(EvidenceKeys).current(purpose);
    expect(keys).toContainEqual(expect.objectContaining({ kid, purpose }));
    expect(ofNoTokens).toContain(kid);
    const forged = new SignJWT(decodeJwt(accessToken)).setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' }).sign(key);
    expect(await accepted(await forged)).toBe(false);
  }
  expect(keys.find(({ kid }) => kid === kidOf(accessToken))).toMatchObject({ purpose: 'tokens' });
});

it('replicas of the previous release publish all keys, and use that of tokens only', async () => {
  const { kid } = identity.get(TokenKeys).current();
  // Their statements.
  const signing = await identity.query<{ kid: string }>(sql`select * from signing_key where retired_at is null`);
  expect(signing.map((row) => row.kid)).toEqual([kid]);
  const accepting = await identity.query<{ jwk: { purpose?: string } }>(sql`
    select public_jwk as jwk from signing_key
    where retired_at is null or next_from is not null or retired_at > ${new Date(0)}`);
  for (const { jwk } of accepting) expect(jwk.purpose).toBe('tokens');
  const published = await identity.query<{ kid: string }>(sql`select public_jwk ->> 'kid' as kid from signing_key`);
  expect(new Set(published.map((row) => row.kid))).toEqual(new Set(await kids()));
});

it('a key from before keys had purposes signs tokens for a day after the upgrade', async () => {
  const { kid } = identity.get(TokenKeys).current();
  await identity.query(sql`
    update signing_key set purpose = null, public_jwk = public_jwk - 'purpose' where kid = ${kid}`);
  const used = () => identity.get(TokenKeys).current().kid;
  await identity.get(TokenKeys).refresh();
  expect(used()).toBe(kid);
  identity.clock.advance(UPGRADE_LASTS);
  await eventually(async () => expect(await kidOfNext()).toBeDefined());
  identity.clock.advance(PUBLISHED_BEFORE);
  await eventually(() => expect(used()).not.toBe(kid));
  const { keys } = await identity.client.ask(signingKeys, {});
  expect(keys.find((key) => key.kid === used())).toMatchObject({ purpose: 'tokens' });
});

it('a compromised key is replaced immediately: its tokens are refused, and sessions continue with new ones', async () => {
  const { accessToken, refreshToken } = await identity.anAccount();
  await identity.client.ask(rotateSigningKey, {});
  const { kid } = await identity.client.ask(rotateSigningKey, { atOnce: true });
  expect(await accepted(accessToken)).toBe(false);
  const next = await refresh(refreshToken);
  expect([kidOf(next.accessToken), await accepted(next.accessToken)]).toEqual([kid, true]);
  identity.clock.advance(PUBLISHED_BEFORE);
  await identity.get(TokenKeys).refresh();
  expect(identity.get(TokenKeys).current().kid).toBe(kid);
});

describe('a stolen key', () => {
  const ago = (seconds: number) => new Date(identity.clock.millis() - seconds * 1_000).toISOString();
  const withdraw = (kid: string, since: string) => identity.client.ask(withdrawSigningKey, { kid, since });
  const published = async (kid: string) =>
    (await identity.client.ask(signingKeys, {})).keys.find((key) => key.kid === kid);

  it.each(['certificates', 'heads'] as const)(
    'of %s is published with the time from which its signatures count for nothing, and replaced',
    async (purpose) => {
      const keys = identity.get(EvidenceKeys);
      const unused = await keys.rotate(purpose);
      const { kid } = keys.current(purpose);
      const since = ago(3_600);
      const revokedAt = `${since.slice(0, -4)}000Z`;
      const withdrawn = await withdraw(kid, since);
      expect(withdrawn).toEqual({ kid, purpose, revokedAt, replacedBy: keys.current(purpose).kid });
      expect([kid, unused.kid]).not.toContain(withdrawn.replacedBy);
      expect(await published(kid)).toMatchObject({
        purpose,
        revoked: { revoked_at: Date.parse(revokedAt) / 1_000, reason: 'compromised' },
      });
      expect(await published(unused.kid)).toBeUndefined();
      expect((await published(withdrawn.replacedBy!))!.revoked).toBeUndefined();
    },
  );

  it('can be withdrawn from an earlier time on, but not from a later one', async () => {
    const keys = identity.get(EvidenceKeys);
    const { kid } = keys.current('certificates');
    const { revokedAt, replacedBy } = await withdraw(kid, ago(60));
    expect(await withdraw(kid, ago(30))).toEqual({ kid, purpose: 'certificates', revokedAt });
    expect(Date.parse((await withdraw(kid, ago(3_600))).revokedAt)).toBeLessThan(Date.parse(revokedAt));
    expect(keys.current('certificates').kid).toBe(replacedBy);
  });

  it('of tokens signs no valid token, whenever it is dated', async () => {
    const { accessToken, refreshToken } = await identity.anAccount();
    const { replacedBy } = await withdraw(kidOf(accessToken)!, ago(0));
    expect(await accepted(accessToken)).toBe(false);
    expect(kidOf((await refresh(refreshToken)).accessToken)).toBe(replacedBy);
  });

  it('that would be used next is never used', async () => {
    const { kid } = await identity.client.ask(rotateSigningKey, {});
    expect(await withdraw(kid, ago(0))).toEqual({ kid, purpose: 'tokens', revokedAt: expect.any(String) });
    identity.clock.advance(PUBLISHED_BEFORE);
    await identity.get(TokenKeys).refresh();
    expect(identity.get(TokenKeys).current().kid).not.toBe(kid);
  });

  it('is not withdrawn if it does not exist, or from a time on that is not in the past', async () => {
    const { kid } = identity.get(EvidenceKeys).current('heads');
    expect(await outcomeOf(withdraw(randomUUID(), ago(0)))).toBe('not-found');
    for (const since of [ago(-60), 'yesterday']) expect(await outcomeOf(withdraw(kid, since))).toBe('validation');
    expect((await published(kid))!.revoked).toBeUndefined();
  });
});

it('the private key is stored encrypted', async () => {
  const [row] = await identity.query<{ row: string }>(sql`select signing_key::text as row from signing_key limit 1`);
  expect(row!.row).not.toMatch(/"d":|private/);
  const [{ sealed }] = (await identity.query(sql`select sealed_private_jwk as sealed from signing_key limit 1`)) as [
    { sealed: string },
  ];
  expect(Buffer.from(sealed, 'base64url').includes('"crv"')).toBe(false);
});
