import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ownerOf, TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';

let identity: TestIdentity;
let provider: Provider;
let people = 0;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  provider = await Provider.of(identity, ownerOf(await identity.anAccount({ preset: 'helpdesk' })));
});
afterAll(() => identity.stop());

const aPerson = () => {
  const n = ++people;
  return { userName: `grace${n}@example.com`, externalId: `X-${n}`, name: { givenName: 'Grace', familyName: `H${n}` } };
};
const set = (path: string, value: unknown) => [{ op: 'replace', path, value }];

describe('a path that selects an address', () => {
  const emailOf = async (id: string): Promise<string> => (await provider.users.get(id)).emails[0].value;

  it.each([
    ['type', () => 'emails[type eq "work"].value'],
    ['type in capitals', () => 'emails[type eq "Work"].value'],
    ['primary', () => 'emails[primary eq true].value'],
    ['primary as a string, which Entra sends', () => 'emails[primary eq "True"].value'],
    ['value', (email: string) => `emails[value eq "${email.toUpperCase()}"].value`],
    ['several conditions', (email: string) => `emails[type eq "work" and value eq "${email}"].value`],
  ])('replaces it: by %s', async (_by, path) => {
    const { id, userName } = await provider.users.create(aPerson());
    for (const op of ['replace', 'add']) {
      const next = `${op}${id}@example.com`;
      const now = op === 'replace' ? userName : await emailOf(id);
      await provider.users.change(id, [{ op, path: path(now), value: next }]);
      expect([op, await emailOf(id)]).toEqual([op, next]);
    }
  });

  it('replaces it by an address of any type', async () => {
    const { id, userName } = await provider.users.create(aPerson());
    const value = { value: `other${id}@example.com`, type: 'other' };
    await provider.users.change(id, set(`emails[value eq "${userName}"]`, value));
    expect(await emailOf(id)).toBe(value.value);
  });

  it('is evaluated after the preceding operations', async () => {
    const { id, userName } = await provider.users.create(aPerson());
    const [first, second] = [`first${id}@example.com`, `second${id}@example.com`];
    const chain = [
      ...set(`emails[value eq "${userName}"].value`, first),
      ...set(`emails[value eq "${first}"].value`, second),
    ];
    await provider.users.change(id, chain);
    expect(await emailOf(id)).toBe(second);
  });

  it('is evaluated after an address has changed with the user name', async () => {
    const { id } = await provider.users.create(aPerson());
    const [first, second] = [`first${id}@example.com`, `second${id}@example.com`];
    await provider.users.change(id, [...set('userName', first), ...set(`emails[value eq "${first}"].value`, second)]);
    expect(await emailOf(id)).toBe(second);
  });

  it.each([
    'emails[type eq "home"].value',
    'emails[value eq "nobody@example.com"].value',
    'emails[unknown eq "x"].value',
  ])('is refused if a replace matches none, and changes nothing: %s', async (path) => {
    const { id, userName } = await provider.users.create(aPerson());
    const operations = [...set('active', false), ...set(path, 'new@example.com')];
    await expect(provider.users.change(id, operations)).rejects.toMatchObject({
      code: 'validation',
      details: expect.objectContaining({ scimType: 'noTarget' }),
    });
    expect(await provider.users.get(id)).toMatchObject({ active: true, emails: [{ value: userName }] });
  });

  it('can match none when adding or removing, because only one address is stored', async () => {
    const { id, userName } = await provider.users.create(aPerson());
    await provider.users.change(id, [
      { op: 'add', path: 'emails[type eq "home"].value', value: 'home@example.com' },
      { op: 'remove', path: 'emails[type eq "home"]' },
      { op: 'replace', path: 'phoneNumbers[type eq "mobile"].value', value: '+1 555' },
    ]);
    expect(await emailOf(id)).toBe(userName);
  });

  it('is refused with `invalidFilter` if the filter is malformed', async () => {
    const { id } = await provider.users.create(aPerson());
    await expect(provider.users.change(id, set('emails[type is "work"].value', 'x@example.com'))).rejects.toMatchObject(
      { details: expect.objectContaining({ scimType: 'invalidFilter' }) },
    );
  });
});

it('a sub-attribute of a simple attribute, and an attribute of another schema, are ignored', async () => {
  const { id, userName } = await provider.users.create(aPerson());
  const ignored = [...set('userName.value', 'other'), ...set('urn:example:2.0:User:userName', 'other')];
  expect(await provider.users.change(id, ignored)).toMatchObject({ userName });
});
