import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { authLogin, NOBODY, usersDeactivate, usersDelete, type Principal } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { Anchors } from '../../../audit/heads/anchors.js';
import { outcomeOf, ownerOf, PASSWORD, TestIdentity } from '../../../testing/identity.js';
import { ErasureLedger, type ErasureRecord } from './erasure-ledger.js';
import { ErasureLedgerWorker } from './erasure-ledger.worker.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start({ silent: false });
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

const email = (name: string) => `${name}@ledger.example`;
const leaves = async (name: string) => {
  const { id } = await identity.aUser(owner, { name, email: email(name) });
  await identity.call(usersDeactivate, { principal: owner, params: { id }, body: {} });
  await identity.call(usersDelete, { principal: owner, params: { id }, body: {} });
  await identity.get(ErasureLedgerWorker).drain();
  return id;
};
const recordOf = async (id: string) => (await identity.get(ErasureLedger).all()).find(({ userId }) => userId === id);
/** What a restored backup does: the user is as before the deletion. */
const restore = (id: string, name: string) =>
  identity.query(sql`
    update users set status = 'active', name = ${name}, email = ${email(name)}, lifecycle_version = 1, deleted_at = null,
      erasure_recorded = false, password_hash = (select password_hash from users where id = ${owner.userId})
    where id = ${id}`);
const known = async (id: string) =>
  (await identity.query(sql`select status, name, email, password_hash from users where id = ${id}`))[0];
/** Starts another replica for a moment, with these settings. */
const restart = async (settings: Record<string, string> = {}) =>
  (await TestIdentity.replica(Object.assign(Object.create(identity) as TestIdentity, { settings }))).close();

it('has the ids and versions of deleted users, and nothing personal', async () => {
  const id = await leaves('Vera');
  const record = await recordOf(id);
  expect(record).toEqual({
    ...{ userId: id, accountId: owner.accountId, authentic: true, deletedAt: expect.any(String) },
    ...{ seq: expect.any(Number), lifecycleVersion: 3, mac: expect.any(String) },
  });
});

it('is replayed at the start: users whom a restored backup has revived are deleted again', async () => {
  const id = await leaves('Walter');
  await restore(id, 'Walter');
  await restart();
  expect(await known(id)).toEqual({ status: 'deleted', name: null, email: null, password_hash: null });
  const [{ version }] = (await identity.query(
    sql`select lifecycle_version::int as version from users where id = ${id}`,
  )) as [{ version: number }];
  expect(version).toBe(4);
  const signingIn = identity.call(authLogin, {
    principal: NOBODY,
    body: { email: email('Walter'), password: PASSWORD },
  });
  expect(await outcomeOf(signingIn)).toBe('invalid-credentials');
});

it('does not delete a user whom a forged record names', async () => {
  const { id } = await identity.aUser(owner, { name: 'Xenia' });
  const data: ErasureRecord & { mac: string } = {
    ...{ userId: id, accountId: owner.accountId, seq: 9, lifecycleVersion: 9, deletedAt: '2030-01-01T00:00:00.000Z' },
    mac: '0'.repeat(64),
  };
  const subject = `audit.erased.${owner.accountId}.${id}`;
  await identity.get(Anchors).append([{ subject, id, data }]);
  await restart();
  expect(await known(id)).toMatchObject({ status: 'active', name: 'Xenia' });
});

it('is written again when the broker has lost it', async () => {
  const id = await leaves('Yves');
  await identity.broker.restartEmpty();
  await eventually(async () => expect(await recordOf(id)).toBeUndefined());
  await restart();
  await identity.get(ErasureLedgerWorker).drain();
  expect(await recordOf(id)).toMatchObject({ authentic: true });
});
