import type { Api, Json } from './api.js';
import { anAccount, type Cast } from './cast.js';
import { over, type Departure } from './departures.js';
import { ENTERPRISE, GROUP, reasonOf, ScimApi, USER } from './scim-api.js';
import { System } from './system.js';

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

describe('the way Okta provisions', () => {
  const login = 'isaac.brock@okta.example';
  const person = {
    schemas: [USER],
    userName: login,
    name: { givenName: 'Isaac', familyName: 'Brock' },
    emails: [{ primary: true, value: login, type: 'work' }],
    displayName: 'Isaac Brock',
    locale: 'en-US',
    externalId: '00ujl29u0le5T6Aj10h7',
    groups: [],
    active: true,
  };
  let id: string;

  it('finds nobody yet', async () => {
    const { status, body } = await scim.find('Users', `userName eq "${login}"`, '&startIndex=1&count=100');
    expect([status, body]).toEqual([
      200,
      {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
        totalResults: 0,
        startIndex: 1,
        itemsPerPage: 0,
        Resources: [],
      },
    ]);
  });

  it('creates a user, who is invited and counts as active', async () => {
    const { status, body, headers } = await scim.post('/Users', person);
    expect([status, headers.get('content-type')]).toEqual([201, 'application/scim+json']);
    id = body.id;
    expect(body).toMatchObject({
      userName: login,
      name: { givenName: 'Isaac', familyName: 'Brock', formatted: 'Isaac Brock' },
      emails: [{ primary: true, value: login, type: 'work' }],
      externalId: person.externalId,
      active: true,
      meta: { resourceType: 'User', location: headers.get('location'), version: headers.get('etag') },
    });
    expect(await rest(id)).toMatchObject({
      name: 'Isaac Brock',
      email: login,
      staffId: person.externalId,
      status: 'invited',
      roles: ['agent'],
    });
  });

  it('finds the user again, in any capitals', async () => {
    for (const filter of [
      `userName eq "${login.toUpperCase()}"`,
      `externalId eq "${person.externalId}"`,
      `id eq "${id}"`,
    ])
      expect((await scim.find('Users', filter)).body).toMatchObject({ totalResults: 1, Resources: [{ id }] });
    expect((await scim.get(`/Users/${id}`)).body).toMatchObject({ id, displayName: 'Isaac Brock' });
  });

  it('updates with the whole resource as it has read it', async () => {
    const { body } = await scim.get(`/Users/${id}`);
    const changed = { ...body, name: { givenName: 'Isaac', familyName: 'Stone' }, displayName: 'Isaac Stone' };
    const answer = await scim.put(`/Users/${id}`, changed);
    expect([answer.status, answer.body.displayName, answer.body.name.familyName]).toEqual([
      200,
      'Isaac Stone',
      'Stone',
    ]);
    expect(await rest(id)).toMatchObject({ name: 'Isaac Stone' });
  });

  it('deactivates without a path: a departure of its own, asked for by no user', async () => {
    const { status, body } = await scim.patch(`/Users/${id}`, [{ op: 'replace', value: { active: false } }]);
    expect([status, body.active]).toEqual([200, false]);
    const { items } = await owner.get<{ items: Departure[] }>(`/v1/departures?userId=${id}`);
    expect(items).toMatchObject([{ transition: 'deactivated', requestedBy: null }]);
    await over(owner, items[0]!);
    const trail = await owner.get<{ items: Json[] }>(`/v1/audit?subjectId=${id}&action=user.deactivated`);
    expect(trail.items).toMatchObject([{ actor: null, system: 'system (scim)' }]);
  });

  it('says the same again without any effect', async () => {
    const before = await scim.get(`/Users/${id}`);
    for (const active of [false, 'False', 'false'])
      expect((await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: active }])).status).toBe(200);
    const { body } = await scim.get(`/Users/${id}`);
    expect(body.meta).toEqual(before.body.meta);
    expect((await owner.get<{ items: Json[] }>(`/v1/departures?userId=${id}`)).items).toHaveLength(1);
  });

  it('keeps somebody deactivated whose whole resource comes without active', async () => {
    const { active: _active, ...silent } = person;
    expect((await scim.put(`/Users/${id}`, { ...silent, displayName: 'Isaac S.' })).body).toMatchObject({
      active: false,
      displayName: 'Isaac S.',
    });
  });

  it('brings the same user back by creating them once more', async () => {
    const { status, body } = await scim.post('/Users', { ...person, userName: 'isaac@okta.example' });
    expect([status, body.id, body.active, body.userName]).toEqual([201, id, true, 'isaac@okta.example']);
    expect(reasonOf(await scim.post('/Users', person))).toEqual({
      status: 409,
      scimType: 'uniqueness',
      code: 'conflict',
    });
    expect(await rest(id)).toMatchObject({ status: 'active' });
  });

  it('pushes groups', async () => {
    const made = await scim.post('/Groups', { schemas: [GROUP], displayName: 'Test SCIMv2', members: [] });
    expect([made.status, made.body.displayName, made.body.members]).toEqual([201, 'Test SCIMv2', []]);
    const group = `/Groups/${made.body.id}`;
    const member = { value: id, display: login };
    const membersNow = async () => (await scim.get(group)).body.members.map((one: Json) => one.value);
    const patch = (...operations: Json[]) => scim.patch(group, operations);

    expect((await patch({ op: 'add', path: 'members', value: [member] })).status).toBe(204);
    expect(await membersNow()).toEqual([id]);
    expect((await scim.get(`/Users/${id}`)).body.groups).toMatchObject([
      { value: made.body.id, display: 'Test SCIMv2' },
    ]);
    await patch({ op: 'replace', value: { id: made.body.id, displayName: 'Test SCIMv2 renamed' } });
    await patch(
      { op: 'remove', path: `members[value eq "${id}"]` },
      { op: 'add', path: 'members', value: [{ value: cast.ben.id }] },
    );
    expect(await membersNow()).toEqual([cast.ben.id]);
    await patch({ op: 'replace', path: 'members', value: [member, { value: cast.dan.id }] });
    expect(await membersNow()).toEqual([cast.dan.id, id].sort());
    const put = await scim.put(group, { schemas: [GROUP], displayName: 'Whole', members: [member] });
    expect([put.status, put.body.displayName, put.body.members]).toMatchObject([
      200,
      'Whole',
      [{ value: id, type: 'User' }],
    ]);
    expect((await scim.delete(group)).status).toBe(204);
    expect((await scim.get(group)).status).toBe(404);
  });
});

describe('the way Microsoft Entra provisions', () => {
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

  it('asks for somebody who is not there to test the connection', async () => {
    expect((await scim.find('Users', 'userName eq "non-existent user"')).body).toMatchObject({
      totalResults: 0,
      Resources: [],
    });
  });

  it('creates a user whose name is no email, and a second time gets a conflict', async () => {
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

  it('matches by work email and reads some attributes only', async () => {
    const filter = `emails[type eq "work"].value eq "${entra.emails[0]!.value}"`;
    const { body } = await scim.find('Users', filter, '&attributes=userName,emails.value');
    expect(body.Resources).toEqual([
      { schemas: [USER, ENTERPRISE], id, userName: entra.userName, emails: [{ value: entra.emails[0]!.value }] },
    ]);
    expect(
      (await scim.find('Users', `emails[type eq "home"].value eq "${entra.emails[0]!.value}"`)).body.totalResults,
    ).toBe(0);
  });

  it('updates attributes with capitalised operations, by path', async () => {
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

  it('updates with dotted keys and extension names inside one value', async () => {
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

  it('disables with text for false', async () => {
    const { status, body } = await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }]);
    expect([status, body.active]).toEqual([200, false]);
    expect((await scim.find('Users', `active eq false and id eq "${id}"`)).body.totalResults).toBe(1);
    expect((await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'True' }])).body.active).toBe(
      true,
    );
  });

  it('handles groups without asking for their members', async () => {
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

  it('deletes for good, but under preset crm only whom it has disabled before', async () => {
    expect(reasonOf(await scim.delete(`/Users/${id}`))).toMatchObject({ status: 409, code: 'not-deactivated' });
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
