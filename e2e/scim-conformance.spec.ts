import type { Json } from './support/api.js';
import { anAccount, type Cast } from './support/cast.js';
import { GROUP, reasonOf, ScimApi, USER } from './support/scim-api.js';
import { System } from './support/system.js';

let system: System;
let cast: Cast;
let scim: ScimApi;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
  scim = await ScimApi.connect(system, cast.owner.api);
}, 120_000);
afterAll(() => system?.stop());

it('accepts lists, strong ETags and * as preconditions', async () => {
  for (const [path, name] of [
    [`/Users/${cast.dan.id}`, { userName: cast.dan.email }],
    [`/Groups/${cast.teamId}`, { displayName: 'Preconditions' }],
  ] as const) {
    const etag = (await scim.get(path)).headers.get('etag')!;
    const strong = etag.replace('W/', '');
    for (const known of [etag, strong, '*', `"other", ${strong}`]) {
      const unchanged = await scim.get(path, { 'if-none-match': known });
      expect([known, unchanged.status, unchanged.headers.get('etag')]).toEqual([known, 304, etag]);
      const refused = await scim.put(path, name, { 'if-none-match': known });
      expect([known, reasonOf(refused)]).toMatchObject([known, { status: 412, code: 'precondition-failed' }]);
    }
    expect((await scim.get(path, { 'if-none-match': '"other"' })).status).toBe(200);
    expect((await scim.put(path, name, { 'if-match': '"other"' })).status).toBe(412);
    expect((await scim.put(path, name, { 'if-match': '*' })).status).toBe(200);
  }
});

it('accepts names with a URN, and addresses as attributes', async () => {
  const sorted = await scim.get(`/Users?sortBy=${USER}:userName&attributes=${USER}:userName`);
  const names = sorted.body.Resources.map((one: Json) => one.userName) as string[];
  expect([sorted.status, names]).toEqual([200, [...names].sort()]);
  const { body } = await scim.get(`/Groups/${cast.teamId}?attributes=members.$ref`);
  expect(body).toEqual({ schemas: [GROUP], id: cast.teamId, members: expect.any(Array) });
  const user = `${system.url}/scim/v2/Users/`;
  expect(body.members).toContainEqual({ $ref: expect.stringContaining(user) });
  expect(body.members).not.toContainEqual(expect.objectContaining({ value: expect.anything() }));
});

it('compares value filters in the path of a PATCH with the values that the resource shows', async () => {
  const { body: group } = await scim.post('/Groups', {
    displayName: 'Selected',
    members: [cast.ben, cast.cleo, cast.dan].map(({ id }) => ({ value: id })),
  });
  const [first, second, third] = group.members as Json[];
  const path = `/Groups/${group.id}`;
  for (const filter of [
    `$ref eq "${first!.$ref}"`,
    `display eq ${JSON.stringify(String(second!.display).toUpperCase())}`,
    `value eq "${String(third!.value).toUpperCase()}"`,
  ])
    expect((await scim.patch(path, [{ op: 'remove', path: `members[${filter}]` }])).status).toBe(204);
  expect((await scim.get(path)).body.members).toEqual([]);
  const replaced = await scim.patch(`/Users/${cast.ben.id}`, [
    { op: 'replace', path: 'emails[type eq "other"].value', value: 'other@example.com' },
  ]);
  expect(reasonOf(replaced)).toMatchObject({ status: 400, scimType: 'noTarget' });
  expect((await scim.delete(path)).status).toBe(204);
});
