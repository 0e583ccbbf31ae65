import type { Api } from './support/api.js';
import { anAccount, type Cast } from './support/cast.js';
import { ENTERPRISE, GROUP, reasonOf, ScimApi, USER } from './support/scim-api.js';
import { story } from './support/story.js';
import { System } from './support/system.js';

let system: System;
let cast: Cast;
let scim: ScimApi;
let owner: Api;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
  owner = cast.owner.api;
  scim = await ScimApi.connect(system, owner);
}, 120_000);
afterAll(() => system?.stop());

const rest = (id: string) => owner.get(`/v1/users/${id}`);

describe('Microsoft Entra', () => {
  const entra = {
    schemas: [USER, ENTERPRISE],
    externalId: '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef',
    userName: 'Test_User_ab6490ee',
    active: true,
    emails: [{ primary: true, type: 'work', value: 'Test_User_fd0ea19b@testuser.example' }],
    meta: { resourceType: 'User' },
    name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
    roles: [],
    [ENTERPRISE]: { employeeNumber: 'E-4711', department: 'Sales', manager: 'someone' },
  };
  let id: string;

  const step = story();

  step('requests an unknown user to test the connection', async () => {
    expect((await scim.find('Users', 'userName eq "non-existent user"')).body).toMatchObject({
      totalResults: 0,
      Resources: [],
    });
  });

  step('creates a user whose user name is no email address, and gets a conflict the second time', async () => {
    const { status, body } = await scim.post('/Users', entra);
    id = body.id;
    expect([status, body]).toMatchObject([
      201,
      { userName: entra.userName, emails: entra.emails, [ENTERPRISE]: { employeeNumber: 'E-4711' } },
    ]);
    expect(await rest(id)).toMatchObject({
      email: entra.emails[0]!.value,
      staffId: 'E-4711',
      name: 'givenName familyName',
    });
    expect(reasonOf(await scim.post('/Users', entra))).toEqual({
      status: 409,
      scimType: 'uniqueness',
      code: 'conflict',
    });
  });

  step('finds a user by work email and reads selected attributes', async () => {
    const filter = `emails[type eq "work"].value eq "${entra.emails[0]!.value}"`;
    const { body } = await scim.find('Users', filter, '&attributes=userName,emails.value');
    expect(body.Resources).toEqual([
      { schemas: [USER, ENTERPRISE], id, userName: entra.userName, emails: [{ value: entra.emails[0]!.value }] },
    ]);
    expect(
      (await scim.find('Users', `emails[type eq "home"].value eq "${entra.emails[0]!.value}"`)).body.totalResults,
    ).toBe(0);
  });

  step('updates attributes with capitalised operations, by path', async () => {
    const { status, body } = await scim.patch(`/Users/${id}`, [
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'updatedEmail@microsoft.example' },
      { op: 'Add', path: 'emails[type eq "home"].value', value: 'home@microsoft.example' },
      { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+1 555' },
      { op: 'Replace', path: `${ENTERPRISE}:employeeNumber`, value: '815' },
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: cast.ben.id },
    ]);
    expect([status, body]).toMatchObject([
      200,
      {
        userName: entra.userName,
        emails: [{ value: 'updatedEmail@microsoft.example' }],
        name: { givenName: 'givenName', familyName: 'updatedFamilyName', formatted: 'givenName updatedFamilyName' },
        displayName: 'givenName updatedFamilyName',
        [ENTERPRISE]: { employeeNumber: '815' },
      },
    ]);
  });

  step('updates with dotted keys and extension names inside one value', async () => {
    const { body } = await scim.patch(`/Users/${id}`, [
      { op: 'Add', value: { 'name.givenName': 'Dotted', displayName: 'Shown', [`${ENTERPRISE}:employeeNumber`]: 816 } },
      { op: 'Replace', path: 'userName', value: '5b50642d-79fc-4410-9e90-4c077cdd1a59@testuser.example' },
    ]);
    expect(body).toMatchObject({
      name: { givenName: 'Dotted' },
      displayName: 'Shown',
      userName: '5b50642d-79fc-4410-9e90-4c077cdd1a59@testuser.example',
      emails: [{ value: 'updatedEmail@microsoft.example' }],
      [ENTERPRISE]: { employeeNumber: '816' },
    });
  });

  step('disables a user with "False" as text', async () => {
    const { status, body } = await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }]);
    expect([status, body.active]).toEqual([200, false]);
    expect((await scim.find('Users', `active eq false and id eq "${id}"`)).body.totalResults).toBe(1);
    expect((await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'True' }])).body.active).toBe(
      true,
    );
  });

  step('manages groups without reading their members', async () => {
    const displayName = 'Entra group';
    const { status, body } = await scim.post('/Groups', {
      schemas: [GROUP],
      externalId: '8aa1a0c0',
      displayName,
      meta: { resourceType: 'Group' },
    });
    expect(status).toBe(201);
    const group = `/Groups/${body.id}`;
    const found = await scim.find('Groups', `displayName eq "${displayName}"`, '&excludedAttributes=members');
    expect(found.body.Resources).toMatchObject([{ id: body.id, externalId: '8aa1a0c0' }]);
    expect(found.body.Resources[0]).not.toHaveProperty('members');
    const members = [
      { $ref: null, value: cast.cleo.id },
      { $ref: null, value: id },
    ];
    expect((await scim.patch(group, [{ op: 'Add', path: 'members', value: members }])).status).toBe(204);
    expect((await scim.find('Groups', `id eq "${body.id}" and members eq "${id}"`)).body.totalResults).toBe(1);
    await scim.patch(group, [{ op: 'Remove', path: 'members', value: [{ $ref: null, value: id }] }]);
    expect((await scim.get(group)).body.members).toMatchObject([{ value: cast.cleo.id }]);
    expect((await scim.patch(group, [{ op: 'Replace', path: 'displayName', value: 'Renamed' }])).status).toBe(204);
    expect((await scim.find('Groups', `displayName eq "${displayName}"`)).body.totalResults).toBe(0);
    expect(reasonOf(await scim.post('/Groups', { displayName: 'renamed' }))).toEqual({
      status: 409,
      scimType: 'uniqueness',
      code: 'conflict',
    });
    expect((await scim.delete(group)).status).toBe(204);
  });

  step('deletes users, under preset crm only after disabling them', async () => {
    // Who has never accepted the invitation owns nothing that a deactivation would hand over.
    const active = `/Users/${cast.cleo.id}`;
    expect(reasonOf(await scim.delete(active))).toMatchObject({ status: 409, code: 'not-deactivated' });
    await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }]);
    expect((await scim.delete(`/Users/${id}`)).status).toBe(204);
    expect((await scim.get(`/Users/${id}`)).status).toBe(404);
    expect((await scim.delete(`/Users/${id}`)).status).toBe(404);
    expect((await scim.find('Users', `externalId eq "${entra.externalId}"`)).body.totalResults).toBe(0);
    expect(await rest(id)).toMatchObject({ name: 'Deleted user', email: null, staffId: null, status: 'deleted' });
    const { status, body } = await scim.post('/Users', entra);
    expect([status, body.id === id]).toEqual([201, false]);
  });
});
