import type { Api, Json } from './support/api.js';
import { anAccount, type Cast } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
import { GROUP, reasonOf, ScimApi, USER } from './support/scim-api.js';
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

describe('Okta', () => {
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

  const step = story();

  step('finds no user yet', async () => {
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

  step('creates a user, who is invited and counts as active', async () => {
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

  step('finds the user, ignoring case', async () => {
    for (const filter of [
      `userName eq "${login.toUpperCase()}"`,
      `externalId eq "${person.externalId}"`,
      `id eq "${id}"`,
    ])
      expect((await scim.find('Users', filter)).body).toMatchObject({ totalResults: 1, Resources: [{ id }] });
    expect((await scim.get(`/Users/${id}`)).body).toMatchObject({ id, displayName: 'Isaac Brock' });
  });

  step('updates the whole resource as it has read it', async () => {
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

  step('deactivates with a PATCH without path, which starts a departure that no user has requested', async () => {
    const { status, body } = await scim.patch(`/Users/${id}`, [{ op: 'replace', value: { active: false } }]);
    expect([status, body.active]).toEqual([200, false]);
    const { items } = await owner.get<{ items: Departure[] }>(`/v1/departures?userId=${id}`);
    expect(items).toMatchObject([{ transition: 'deactivated', requestedBy: null }]);
    await over(owner, items[0]!);
    const trail = await owner.get<{ items: Json[] }>(`/v1/audit?subjectId=${id}&action=user.deactivated`);
    expect(trail.items).toMatchObject([{ actor: null, system: 'system (scim)' }]);
  });

  step('repeats the deactivation without any effect', async () => {
    const before = await scim.get(`/Users/${id}`);
    for (const active of [false, 'False', 'false'])
      expect((await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: active }])).status).toBe(200);
    const { body } = await scim.get(`/Users/${id}`);
    expect(body.meta).toEqual(before.body.meta);
    expect((await owner.get<{ items: Json[] }>(`/v1/departures?userId=${id}`)).items).toHaveLength(1);
  });

  step('replaces the resource without `active`, which does not reactivate the user', async () => {
    const { active: _active, ...silent } = person;
    expect((await scim.put(`/Users/${id}`, { ...silent, displayName: 'Isaac S.' })).body).toMatchObject({
      active: false,
      displayName: 'Isaac S.',
    });
  });

  step('reactivates the user by creating it again', async () => {
    const { status, body } = await scim.post('/Users', { ...person, userName: 'isaac@okta.example' });
    expect([status, body.id, body.active, body.userName]).toEqual([201, id, true, 'isaac@okta.example']);
    expect(reasonOf(await scim.post('/Users', person))).toEqual({
      status: 409,
      scimType: 'uniqueness',
      code: 'conflict',
    });
    expect(await rest(id)).toMatchObject({ status: 'invited' });
  });

  step('pushes groups', async () => {
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
