import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { outcomeOf, ownerOf, TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';

let identity: TestIdentity;
let provider: Provider;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  provider = await Provider.of(identity, ownerOf(await identity.anAccount({ preset: 'helpdesk' })));
});
afterAll(() => identity.stop());

describe('users are sorted', () => {
  const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
  const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

  it.each([
    'userName',
    'USERNAME',
    `${USER}:userName`,
    `${USER.toUpperCase()}:name.familyName`,
    `${ENTERPRISE}:employeeNumber`,
    'emails',
    'emails.value',
    `${USER}:emails.value`,
  ])('by %s', async (sortBy) => {
    const filter = 'name.givenName eq "Sorted"';
    for (const letter of ['b', 'a', 'c'])
      await provider.users.create({
        userName: `${letter}@sorted.example`,
        externalId: letter,
        name: { givenName: 'Sorted', familyName: letter },
      });
    const names = async (descending: boolean) =>
      (await provider.users.search({ filter, sortBy, descending })).resources.map((one) => one.externalId);
    expect(await names(false)).toEqual(['a', 'b', 'c']);
    expect(await names(true)).toEqual(['c', 'b', 'a']);
  });

  it.each(['title', 'name', 'urn:example:2.0:User:userName', 'emails[type eq "work"].value', ''])(
    'not by other paths: %s',
    async (sortBy) => {
      expect(await outcomeOf(provider.users.search({ sortBy }))).toBe('validation');
    },
  );
});

it.each(['displayName', 'urn:ietf:params:scim:schemas:core:2.0:Group:displayName', 'meta.created'])(
  'groups are sorted by %s',
  async (sortBy) => {
    for (const displayName of ['a', 'b', 'c']) {
      await provider.groups.create({ displayName });
      identity.clock.advance(1_000);
    }
    const names = async (descending: boolean) =>
      (await provider.groups.search({ sortBy, descending })).resources.map((one) => one.displayName);
    expect(await names(false)).toEqual(['a', 'b', 'c']);
    expect(await names(true)).toEqual(['c', 'b', 'a']);
  },
);

it.each(['members', 'members.display', 'urn:example:2.0:Group:displayName', 'a b'])(
  'groups are not sorted by %s',
  async (sortBy) => {
    expect(await outcomeOf(provider.groups.search({ sortBy }))).toBe('validation');
  },
);
