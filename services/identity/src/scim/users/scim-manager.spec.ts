import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { usersGet, type Principal } from '#libs/contracts';
import { SCIM_ENTERPRISE_USER } from '#libs/scim';
import { ownerOf, TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';

let identity: TestIdentity;
let owner: Principal;
let provider: Provider;
let people = 0;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  provider = await Provider.of(identity, owner);
});
afterAll(() => identity.stop());

const aPerson = () => {
  const n = ++people;
  return { userName: `grace${n}@example.com`, externalId: `X-${n}`, name: { givenName: 'Grace', familyName: `H${n}` } };
};
const set = (path: string, value: unknown) => [{ op: 'replace', path, value }];
const userOf = (id: string) => identity.call(usersGet, { principal: owner, params: { id } });

describe('the manager', () => {
  const managerOf = async (id: string) => (await provider.users.get(id))[SCIM_ENTERPRISE_USER].manager;

  it('is set when the user is created, and shown with a name', async () => {
    const boss = await provider.users.create({ ...aPerson(), displayName: 'Grace B' });
    const { id } = await provider.users.create({
      ...aPerson(),
      [SCIM_ENTERPRISE_USER]: { manager: { value: boss.id } },
    });
    expect(await managerOf(id)).toEqual({ value: boss.id, displayName: 'Grace B' });
    expect(await userOf(id)).toMatchObject({ managerId: boss.id });
    const { resources } = await provider.users.search({
      filter: `${SCIM_ENTERPRISE_USER}:manager.value eq "${boss.id}"`,
    });
    expect(resources).toMatchObject([{ id }]);
  });

  it.each<[by: string, operation: (id: string, email: string) => object]>([
    ['Entra', (id) => ({ op: 'Add', path: `${SCIM_ENTERPRISE_USER}:manager`, value: id })],
    [
      'Entra, with an object',
      (id) => ({ op: 'Replace', path: `${SCIM_ENTERPRISE_USER}:manager`, value: { value: id } }),
    ],
    [
      'Entra, with a list',
      (id) => ({ op: 'Add', path: `${SCIM_ENTERPRISE_USER}:manager`, value: [{ $ref: `../Users/${id}`, value: id }] }),
    ],
    ['its path', (id) => ({ op: 'replace', path: `${SCIM_ENTERPRISE_USER}:manager.value`, value: id })],
    [
      'Okta',
      (id) => ({ op: 'replace', value: { [SCIM_ENTERPRISE_USER]: { manager: { value: id, displayName: 'Boss' } } } }),
    ],
    [
      'a reference',
      (id) => ({
        op: 'replace',
        path: SCIM_ENTERPRISE_USER,
        value: { manager: { $ref: `https://leaver.example/scim/v2/Users/${id}` } },
      }),
    ],
    [
      'an email, in capitals',
      (_id, email) => ({ op: 'add', path: `${SCIM_ENTERPRISE_USER}:manager`, value: email.toUpperCase() }),
    ],
  ])('is changed by %s', async (_by, operation) => {
    const boss = await provider.users.create(aPerson());
    const { id } = await provider.users.create(aPerson());
    await provider.users.change(id, [operation(boss.id, boss.userName) as Record<string, unknown>]);
    expect(await managerOf(id)).toMatchObject({ value: boss.id });
  });

  it.each([
    { op: 'remove', path: `${SCIM_ENTERPRISE_USER}:manager` },
    { op: 'replace', path: `${SCIM_ENTERPRISE_USER}:manager`, value: '' },
    { op: 'replace', path: `${SCIM_ENTERPRISE_USER}:manager.value`, value: null },
    { op: 'replace', value: { [SCIM_ENTERPRISE_USER]: { manager: {} } } },
    // Providers also send managers who are not provisioned, and users who are their own manager.
    { op: 'replace', path: `${SCIM_ENTERPRISE_USER}:manager`, value: 'nobody@example.com' },
    { op: 'replace', path: `${SCIM_ENTERPRISE_USER}:manager.value`, value: 'self' },
  ])('is removed by %j', async (operation) => {
    const boss = await provider.users.create(aPerson());
    const { id } = await provider.users.create({
      ...aPerson(),
      [SCIM_ENTERPRISE_USER]: { manager: { value: boss.id } },
    });
    await provider.users.change(id, [operation.value === 'self' ? { ...operation, value: id } : operation]);
    expect(await managerOf(id)).toBeUndefined();
  });

  it('stays without one in a PUT, or with only a name', async () => {
    const boss = await provider.users.create(aPerson());
    const person = aPerson();
    const { id, meta } = await provider.users.create({
      ...person,
      [SCIM_ENTERPRISE_USER]: { manager: { value: boss.id } },
    });
    await provider.users.replace(id, person);
    await provider.users.replace(id, { ...person, [SCIM_ENTERPRISE_USER]: { manager: { value: boss.userName } } });
    await provider.users.change(id, set(`${SCIM_ENTERPRISE_USER}:manager.displayName`, 'Boss'));
    expect(await provider.users.get(id)).toMatchObject({
      meta,
      [SCIM_ENTERPRISE_USER]: { manager: { value: boss.id } },
    });
  });

  it('is named while deactivated, and removed with the deletion', async () => {
    const boss = await provider.users.create({ ...aPerson(), active: false });
    const { id } = await provider.users.create({
      ...aPerson(),
      [SCIM_ENTERPRISE_USER]: { manager: { value: boss.id } },
    });
    expect(await managerOf(id)).toMatchObject({ value: boss.id });
    await provider.users.remove(boss.id);
    expect(await managerOf(id)).toBeUndefined();
    expect(await userOf(id)).toMatchObject({ managerId: null });
  });
});
