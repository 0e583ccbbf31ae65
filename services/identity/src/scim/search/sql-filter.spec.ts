import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ScimObject, ScimSearch } from '#libs/contracts';
import { attributesOf, GROUP_TYPE, matcherOf, parseFilter, USER_TYPE, type ResourceType } from '#libs/scim';
import { sql } from 'kysely';
import { outcomeOf, ownerOf, TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';
import { filterCondition } from '../users/scim-user-rows.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

let identity: TestIdentity;
let provider: Provider;
let ada: { id: string; meta: { created: string } };
let ben: { id: string };
beforeAll(async () => {
  identity = await TestIdentity.start();
  const owner = { name: 'Olga', email: 'olga@acme.example', staffId: 'S-0' };
  provider = await Provider.of(identity, ownerOf(await identity.anAccount({ owner })));
  ada = await provider.users.create({
    userName: 'Ada@acme.example',
    externalId: 'ext-a',
    displayName: 'Ada "Lace" \\ %_',
  });
  ben = await provider.users.create({
    userName: 'ben',
    emails: [{ value: 'ben@acme.example' }],
    externalId: 'ext-b',
  });
  await provider.groups.create({
    displayName: 'Both',
    externalId: 'g-1',
    members: [{ value: ada.id }, { value: ben.id }],
  });
  await provider.groups.create({ displayName: 'Ada’s', members: [{ value: ada.id }] });
  await provider.groups.create({ displayName: 'Nobody\\s' });
  await provider.users.change(ben.id, [{ op: 'replace', path: 'active', value: false }]);
});
afterAll(() => identity.stop());

const usersBy = async (filter: string) =>
  (await provider.users.search({ filter, sortBy: 'userName' })).resources.map((one) => one.userName);
const groupsBy = async (filter: string) =>
  (await provider.groups.search({ filter, sortBy: 'displayName' })).resources.map((one) => one.displayName);

const [A, B, O] = ['Ada@acme.example', 'ben', 'olga@acme.example'];

describe('a filter finds users', () => {
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
    ['emails[type eq "Work"].value eq "ben@acme.example"', [B]],
    ['displayName co "\\"Lace\\""', [A]],
    ['displayName ew "%_"', [A]],
    ['displayName ew "\\\\ %_"', [A]],
    ['displayName co "Lace\\u0022 \\u005c"', [A]],
    ['active eq true', [A, O]],
    ['active eq "False"', [B]],
    ['active ne true', [B]],
    ['active eq null', []],
    [`${ENTERPRISE}:employeeNumber eq "S-0"`, [O]],
    ['id eq "no uuid"', []],
    ['id ne "no uuid"', [A, B, O]],
    ['id pr', [A, B, O]],
    ['meta.lastModified gt "2001-01-01T00:00:00Z"', [A, B, O]],
    ['meta.lastModified lt "2001-01-01T00:00:00+01:00"', []],
    ['userName eq "ben" or userName sw "ada" and active eq false', [B]],
    ['(userName eq "ben" or userName sw "ada") and active eq true', [A]],
  ])('by %s', async (filter, expected) => {
    expect(await usersBy(filter)).toEqual(expected);
  });

  it('by id and by the exact displayed time', async () => {
    expect(await usersBy(`id eq "${ada.id.toUpperCase()}" and meta.created eq "${ada.meta.created}"`)).toEqual([A]);
  });
});

describe('JSON escapes in a filter', () => {
  it.each([
    ['CORP\\jdoe', String.raw`"CORP\\jdoe"`],
    ['CORP\\jdoe', String.raw`"\u0043ORP\u005cjdoe"`],
    ['jürgen', String.raw`"j\u00fcrgen"`],
    ['a/b', String.raw`"a\/b"`],
    ['ends\\', String.raw`"ends\\"`],
    ['😀', String.raw`"\ud83d\ude00"`],
  ])('are decoded: %s by %s', async (userName, json) => {
    const emails = [{ value: `escaped${Buffer.from(json).toString('hex')}@acme.example` }];
    const { id } = await provider.users.create({ userName, emails, externalId: json });
    for (const filter of [`userName eq ${json}`, `not (userName ne ${json})`])
      expect([filter, await usersBy(filter)]).toEqual([filter, [userName]]);
    await provider.users.remove(id);
  });

  it.each(['"\\u0000"', '"\\ud800"'])('of characters that cannot be stored are refused: %s', async (json) => {
    for (const filter of [`userName eq ${json}`, `externalId co ${json}`, `id sw ${json}`])
      expect([filter, await outcomeOf(provider.users.search({ filter }))]).toEqual([filter, 'validation']);
    expect(await usersBy(`id eq ${json}`)).toEqual([]);
  });
});

describe('a filter finds groups', () => {
  it.each<[string, string[]]>([
    ['displayName eq "both"', ['Both']],
    ['displayName ew "\\\\s"', ['Nobody\\s']],
    ['urn:ietf:params:scim:schemas:core:2.0:Group:displayName sw "B"', ['Both']],
    ['externalId eq "g-1"', ['Both']],
    ['members pr', ['Ada’s', 'Both']],
    ['not (members pr)', ['Nobody\\s']],
    ['members eq null', ['Nobody\\s']],
    ['members.display sw "ada"', ['Ada’s', 'Both']],
    ['members[display eq "BEN" and type eq "user"]', ['Both']],
    ['members[not (display sw "ada")]', ['Both']],
    ['members.type ne "User"', ['Nobody\\s']],
  ])('by %s', async (filter, expected) => {
    expect(await groupsBy(filter)).toEqual(expected);
  });

  it('by the ids of members, in any case', async () => {
    expect(await groupsBy(`members eq "${ben.id}"`)).toEqual(['Both']);
    expect(await groupsBy(`members.value eq "${ada.id.toUpperCase()}"`)).toEqual(['Ada’s', 'Both']);
    expect(await groupsBy(`members eq "${ada.id}" and members eq "${ben.id}"`)).toEqual(['Both']);
  });

  it('by conditions that a single member must meet', async () => {
    expect(await groupsBy(`members[value eq "${ada.id}" and value eq "${ben.id}"]`)).toEqual([]);
    expect(await groupsBy(`members[value eq "${ada.id}" and display co "ben"]`)).toEqual([]);
  });
});

describe('SQL finds the same resources as the in-memory filter', () => {
  type Kind = 'string' | 'boolean' | 'dateTime';
  const words = ['', 'a', 'ADA', 'acme', 'ben', 'ext-b', '@', '%', '_', '\\', '"', 'work', 'both', 'User', 'S-0', 'é'];
  const comparison = (path: string, kind: Kind, times: readonly string[]) =>
    ({
      string: fc
        .tuple(fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'), fc.constantFrom(...words))
        .map(([operator, word]) => `${path} ${operator} ${JSON.stringify(word)}`),
      boolean: fc
        .tuple(fc.constantFrom('eq', 'ne'), fc.constantFrom('true', 'false', '"True"'))
        .map(([operator, literal]) => `${path} ${operator} ${literal}`),
      dateTime: fc
        .tuple(fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le'), fc.constantFrom(...times, '2001-01-01T00:00:00Z'))
        .map(([operator, time]) => `${path} ${operator} "${time}"`),
    })[kind];
  const condition = (attributes: [string, Kind][], times: readonly string[]) =>
    fc
      .constantFrom(...attributes)
      .chain(([path, kind]) =>
        fc.oneof(
          { weight: 4, arbitrary: comparison(path, kind, times) },
          { weight: 1, arbitrary: fc.constantFrom(`${path} pr`, `${path} eq null`, `${path} ne null`) },
        ),
      );
  const combined = (inner: fc.Arbitrary<string>) =>
    fc.oneof(
      inner,
      inner.map((one) => `not (${one})`),
      fc
        .tuple(inner, fc.constantFrom('and', 'or'), fc.boolean(), inner)
        .map(([left, operator, negated, right]) => `${negated ? `not (${left})` : left} ${operator} ${right}`),
    );

  const agree = async (
    type: ResourceType,
    search: (query: Partial<ScimSearch>) => Promise<{ resources: ScimObject[] }>,
    attributes: [string, Kind][],
    [list, inner]: [string, [string, Kind][]],
  ) => {
    const { resources } = await search({});
    const times = resources.map(({ meta }) => (meta as { created: string }).created);
    const selection = combined(condition(inner, times)).map((filter) => `${list}[${filter}]`);
    const filters = combined(fc.oneof(condition(attributes, times), selection));
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        const matches = matcherOf(parseFilter(filter), attributesOf(type));
        const found = (await search({ filter })).resources.map(({ id }) => id);
        expect(found).toEqual(resources.filter(matches).map(({ id }) => id));
      }),
      { numRuns: 150 },
    );
  };

  it('of users', async () => {
    const attributes: [string, Kind][] = [
      ['userName', 'string'],
      ['externalId', 'string'],
      ['displayName', 'string'],
      ['name.givenName', 'string'],
      ['name.familyName', 'string'],
      ['emails', 'string'],
      ['emails.type', 'string'],
      ['emails.primary', 'boolean'],
      ['active', 'boolean'],
      ['meta.created', 'dateTime'],
      ['meta.lastModified', 'dateTime'],
      [`${ENTERPRISE}:employeeNumber`, 'string'],
    ];
    const email: [string, Kind][] = [
      ['value', 'string'],
      ['type', 'string'],
      ['primary', 'boolean'],
    ];
    await agree(USER_TYPE, provider.users.search, attributes, ['emails', email]);
  });

  it('of groups', async () => {
    const attributes: [string, Kind][] = [
      ['displayName', 'string'],
      ['externalId', 'string'],
      ['members.display', 'string'],
      ['members.type', 'string'],
    ];
    const member: [string, Kind][] = [
      ['display', 'string'],
      ['type', 'string'],
    ];
    await agree(GROUP_TYPE, provider.groups.search, attributes, ['members', member]);
  });
});

describe('an index serves the filters that providers send most', () => {
  it.each([
    ['userName eq "ben"', 'users_user_name'],
    ['externalId eq "ext-b"', 'users_external_id'],
    ['displayName eq "Ben"', 'users_name'],
    ['emails[type eq "work"].value eq "ben@acme.example"', 'users_(email|folded_email)'],
  ])('%s', async (filter, index) => {
    const plan = await identity.db.transaction().execute(async (transaction) => {
      // Otherwise PostgreSQL uses a sequential scan for such a small table.
      await sql`set local enable_seqscan = off`.execute(transaction);
      const explained = sql<Record<string, string>>`
        explain select id from users u where u.account_id = gen_random_uuid() and ${filterCondition({ filter })}`;
      return (await explained.execute(transaction)).rows.flatMap((row) => Object.values(row)).join('\n');
    });
    expect(plan).toMatch(new RegExp(`using ${index}`));
  });
});
