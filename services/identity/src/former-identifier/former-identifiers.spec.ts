import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';
import {
  directoryLookup,
  foldCase,
  usersDelete,
  usersTransfer,
  usersUpdate,
  type DirectoryPage,
  type Principal,
  type UserChange,
} from '#libs/contracts';
import { ownerOf, TestIdentity } from '../testing/identity.js';
import { Provider } from '../testing/provider.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
});
afterAll(() => identity.stop());

const update = (id: string, body: UserChange) => identity.call(usersUpdate, { principal: owner, params: { id }, body });
const formerOf = async (id: string) => {
  const rows = await identity.query(sql<{ identifier: string }>`
    select identifier from former_identifier where user_id = ${id} order by id`);
  return rows.map(({ identifier }) => identifier);
};
let addresses = 0;
const newAddress = () => `former${++addresses}@example.com`;
const digestOf = (salt: string, identifier: string) =>
  createHash('sha256')
    .update(`${salt}:${foldCase(identifier)}`)
    .digest('hex');
const remove = (id: string) => identity.call(usersDelete, { principal: owner, params: { id }, body: {} });
const lookup = async (...userIds: string[]): Promise<DirectoryPage['people']> => {
  const { people } = await identity.client.ask(directoryLookup, { accountId: owner.accountId, userIds });
  return people;
};
/** Which of these the answer to a service recognises. */
async function recognised(id: string, identifiers: readonly string[]): Promise<string[]> {
  const [person] = await lookup(id);
  return identifiers.filter((identifier) =>
    person!.identifiers?.some(({ salt, digests }) => digests.includes(digestOf(salt, identifier))),
  );
}

describe('former identifiers of a user', () => {
  it('are kept when a manager changes them, each once', async () => {
    const { id, name, email, staffId } = await identity.aUser(owner);
    await update(id, { avatarUrl: 'https://example.com/a.png', name });
    expect(await formerOf(id)).toEqual([]);
    await update(id, { name: 'Second', email: newAddress(), staffId: 'Second 1' });
    expect(await formerOf(id)).toEqual([name, email, staffId]);
    for (const again of [name, 'Second', name]) await update(id, { name: again });
    expect(await formerOf(id)).toEqual([name, email, staffId, 'Second']);
  });

  it('are kept when an identity provider changes them', async () => {
    const provider = await Provider.of(identity, owner);
    const [userName, email] = [newAddress(), newAddress()];
    const emails = [{ value: email }];
    const { id } = await provider.users.create({ userName, externalId: 'ext-1', displayName: 'First', emails });
    await provider.users.change(id as string, [
      { op: 'replace', value: { userName: newAddress(), externalId: 'ext-2', displayName: 'Second' } },
    ]);
    await provider.users.change(id as string, [
      { op: 'replace', path: 'emails[type eq "work"].value', value: newAddress() },
    ]);
    expect((await formerOf(id as string)).sort()).toEqual([userName, 'ext-1', 'First', email].sort());
  });

  it('are given to services that ask, as digests, once the user is deleted; identity keeps only these', async () => {
    const { id, name, email, staffId } = await identity.aUser(owner, { email: `ΝΙΚΟΣ${newAddress()}` });
    const called = [name, email!, staffId!, 'Second Name', 'Second 2', 'Directory Name', 'ext-7'];
    await update(id, { name: 'Second Name', email: newAddress(), staffId: 'Second 2' });
    await identity.query(sql`update users set user_name = 'Directory Name', external_id = 'ext-7' where id = ${id}`);
    expect(await recognised(id, called)).toEqual([]);
    const departure = await remove(id);
    expect(await formerOf(id)).toEqual([]);
    expect(await recognised(id, called)).toEqual(called);
    expect(await recognised(id, ['νικος@example.com', 'ext-8'])).toEqual([]);
    const events = await identity.query(sql<{ event: unknown }>`select event from outbox where user_id = ${id}`);
    expect(JSON.stringify(events)).toContain('"hasAddress":true');
    for (const one of called) expect(JSON.stringify(events)).not.toContain(digestOf(departure.id, one));
  });

  it('are forgotten with another user of the account who has them now', async () => {
    const { id, email, staffId } = await identity.aUser(owner);
    await update(id, { email: newAddress(), staffId: 'Other 1' });
    const heir = await identity.aUser(owner, { email: email!.toUpperCase() });
    await remove(id);
    expect(await recognised(id, [email!, staffId!])).toEqual([staffId]);
    await update(heir.id, { email: newAddress() });
    await remove(heir.id);
    expect(await recognised(heir.id, [email!])).toEqual([email]);
  });

  it('of a person who transfers the user to another one stay as digests only, until the user is deleted', async () => {
    const { id, name, email, staffId } = await identity.aUser(owner);
    await update(id, { name: 'Second' });
    const body = { name: 'Nell', email: newAddress(), staffId: 'Nell 1' };
    await identity.call(usersTransfer, { principal: owner, params: { id }, body });
    expect(await formerOf(id)).toEqual([]);
    const called = [name, email!, staffId!, 'Second', 'Nell 1'];
    expect(await recognised(id, called)).toEqual([]);
    await remove(id);
    expect(await recognised(id, called)).toEqual(called);
  });

  it('that have no room in an answer are left out; the first user always has all', async () => {
    const [one, two] = await Promise.all([identity.aUser(owner), identity.aUser(owner)]);
    await remove(one.id);
    await remove(two.id);
    await identity.query(sql`
      update departure set identifier_digests = (select jsonb_agg(n) from generate_series(1, 2600) n)
      where user_id = any(${[one.id, two.id]}::uuid[])`);
    const [first, second] = (await lookup(one.id, two.id)).sort((a, b) => (a.userId < b.userId ? -1 : 1));
    expect(first!.identifiers![0]!.digests).toHaveLength(2_600);
    expect(first!.identifiersLeftOut).toBeUndefined();
    expect(second).toMatchObject({ identifiersLeftOut: true, address: { digest: expect.any(String) } });
    expect(second!.identifiers).toBeUndefined();
    expect((await lookup(second!.userId))[0]!.identifiers![0]!.digests).toHaveLength(2_600);
  });
});
