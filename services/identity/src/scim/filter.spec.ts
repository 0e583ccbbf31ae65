import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { ownerOf, TestIdentity } from '../testing/identity.js';
import { Provider } from '../testing/provider.js';
import { conditionOf } from './scim-user-rows.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

let identity: TestIdentity;
let provider: Provider;
let ada: { id: string; meta: { created: string } };
beforeAll(async () => {
  identity = await TestIdentity.start();
  const owner = { name: 'Olga', email: 'olga@acme.example', staffId: 'S-0' };
  provider = await Provider.of(identity, ownerOf(await identity.anAccount({ owner })));
  ada = await provider.users.create({
    userName: 'Ada@acme.example',
    externalId: 'ext-a',
    displayName: 'Ada "Lace" \\ %_',
  });
  const ben = await provider.users.create({
    userName: 'ben',
    emails: [{ value: 'ben@acme.example' }],
    externalId: 'ext-b',
  });
  await provider.users.change(ben.id, [{ op: 'replace', path: 'active', value: false }]);
});
afterAll(() => identity.stop());

const found = async (filter: string) =>
  (await provider.users.search({ filter, sortBy: 'userName' })).resources.map((one) => one.userName);

const [A, B, O] = ['Ada@acme.example', 'ben', 'olga@acme.example'];

describe('a filter finds', () => {
  it.each([
    ['userName eq "ADA@ACME.EXAMPLE"', [A]],
    ['USERNAME Eq "ben"', [B]],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ben"', [B]],
    ['userName ne "ben"', [A, O]],
    ['userName co "ACME"', [A, O]],
    ['userName co "%"', []],
    ['userName sw "OL"', [O]],
    ['userName ew "example"', [A, O]],
    ['userName ew ""', [A, B, O]],
    ['userName pr', [A, B, O]],
    ['userName gt "b"', [B, O]],
    ['userName le "ben"', [A, B]],
    ['externalId pr', [A, B]],
    ['not (externalId pr)', [O]],
    ['externalId eq null', [O]],
    ['externalId eq "EXT-A"', []],
    ['not (externalId eq "ext-a")', [B, O]],
    ['emails co "@acme"', [A, B, O]],
    ['emails[type eq "work" and value eq "ben@acme.example"]', [B]],
    ['emails[type eq "home"]', []],
    ['emails[not (type eq "home") and value sw "ben"]', [B]],
    ['displayName co "\\"Lace\\""', [A]],
    ['displayName ew "%_"', [A]],
    ['active eq true', [A, O]],
    ['active eq "False"', [B]],
    ['active ne true', [B]],
    [`${ENTERPRISE}:employeeNumber eq "S-0"`, [O]],
    ['id eq "no uuid"', []],
    ['id pr', [A, B, O]],
    ['meta.lastModified gt "2001-01-01T00:00:00Z"', [A, B, O]],
    ['meta.lastModified lt "2001-01-01T00:00:00+01:00"', []],
    ['userName eq "ben" or userName sw "ada" and active eq false', [B]],
    ['(userName eq "ben" or userName sw "ada") and active eq true', [A]],
  ])('by %s', async (filter, expected) => {
    expect(await found(filter)).toEqual(expected);
  });

  it('by id and by the exact time that is shown', async () => {
    expect(await found(`id eq "${ada.id.toUpperCase()}" and meta.created eq "${ada.meta.created}"`)).toEqual([A]);
  });
});

describe('what providers ask most', () => {
  it.each([
    ['userName eq "ben"', 'users_user_name'],
    ['externalId eq "ext-b"', 'users_external_id'],
    ['displayName eq "Ben"', 'users_name'],
    ['emails[type eq "work"].value eq "ben@acme.example"', 'users_(email|login)'],
  ])('is answered by an index: %s', async (filter, index) => {
    const plan = await identity.db.transaction().execute(async (transaction) => {
      // So small a table would be read as a whole.
      await sql`set local enable_seqscan = off`.execute(transaction);
      const explained = sql<Record<string, string>>`
        explain select id from users u where u.account_id = gen_random_uuid() and ${conditionOf({ filter })}`;
      return (await explained.execute(transaction)).rows.flatMap((row) => Object.values(row)).join('\n');
    });
    expect(plan).toMatch(new RegExp(`using ${index}`));
  });
});
