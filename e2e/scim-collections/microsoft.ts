import { ENTERPRISE, GROUP, PATCH_OP, USER } from '../support/scim-api.js';
import { including, refused, TEXT, type Step } from './step.js';

/** The collection capitalises the attributes of emails. */
const emails = (work: string, home = 'home@microsoft.example') => [
  { Primary: true, type: 'work', value: work },
  { Primary: false, type: 'home', value: home },
];
const bob = {
  schemas: [USER],
  userName: 'UserName123',
  active: true,
  displayName: 'BobIsAmazing',
  externalId: 'ms-1',
  name: { formatted: 'Ryan Bell', familyName: 'Bell', givenName: 'Ryan' },
  emails: emails('bob@microsoft.example'),
};
const andrew = {
  ...bob,
  schemas: [ENTERPRISE, USER],
  userName: 'UserName222',
  displayName: 'andrew',
  externalId: 'ms-2',
  emails: emails('andrew@microsoft.example'),
  [ENTERPRISE]: { Department: 'Sales', Manager: { Value: 'Suzy' } },
};
const changes = (...Operations: object[]) => ({ schemas: [PATCH_OP], Operations });
const joining = changes({
  name: 'addMember',
  op: 'add',
  path: 'members',
  value: [{ displayName: 'new User', value: '{{id4}}' }],
});
const list = (path: string): Step => ({ asks: `the list of ${path}`, send: ['GET', path], status: 200 });
const shows = (id: string): Step => ({
  asks: `${id}, the one asked for`,
  send: ['GET', `/Users/{{${id}}}`],
  status: 200,
  holds: { id: `{{${id}}}` },
});
const ends = (path: string): Step => ({ asks: `that ${path} is deleted`, send: ['DELETE', path], status: 204 });
const makes = (asks: string, path: string, body: object, name: string): Step => ({
  asks,
  send: ['POST', path, body],
  status: 201,
  keep: { [name]: 'id' },
});

const discovery: readonly Step[] = [
  list('/Users'),
  list('/Groups'),
  {
    asks: 'kinds of resources that begin with users',
    send: ['GET', '/ResourceTypes'],
    status: 200,
    holds: { Resources: including({ endpoint: '/Users' }) },
  },
  {
    asks: 'the configuration at /serviceConfiguration',
    send: ['GET', '/serviceConfiguration'],
    status: 404,
    differs: 'Address of the configuration',
  },
  {
    asks: 'a configuration with PATCH',
    send: ['GET', '/ServiceProviderConfig'],
    status: 200,
    holds: { patch: { supported: true } },
  },
  {
    asks: 'schemas of which one is that of a User Account',
    send: ['GET', '/Schemas'],
    status: 200,
    holds: { Resources: including({ id: USER, description: 'User Account' }) },
  },
];

const users: readonly Step[] = [
  makes('a user', '/Users', bob, 'id1'),
  makes('a user of an enterprise', '/Users', andrew, 'id2'),
  shows('id1'),
  shows('id2'),
  {
    asks: 'two attributes of everybody',
    send: ['GET', '/Users?attributes=userName,emails'],
    status: 200,
    holds: { Resources: including({ id: '{{id1}}', userName: 'UserName123' }) },
  },
  {
    asks: 'a filter behind a slash',
    send: ['GET', '/Users/?filter=DisplayName+eq+%22BobIsAmazing%22'],
    status: 200,
    holds: { Resources: [{ id: '{{id1}}' }] },
  },
  {
    asks: '204 for a changed user',
    send: ['PATCH', '/Users/{{id1}}', changes({ op: 'replace', path: 'userName', value: 'ryan3' })],
    status: 200,
    differs: '`PATCH` of a user',
  },
  { ...shows('id1'), asks: 'the changed user name', holds: { id: '{{id1}}', userName: 'ryan3' } },
  {
    asks: 'a whole user replaced',
    send: [
      'PUT',
      '/Users/{{id2}}',
      {
        ...bob,
        schemas: [ENTERPRISE, USER],
        id: '{{id2}}',
        userName: 'UserNameReplace2',
        externalId: 'ms-3',
        name: { ...bob.name, formatted: 'NewName' },
        emails: emails('replaced@microsoft.example'),
      },
    ],
    status: 200,
  },
  { ...shows('id2'), asks: 'the replaced name', holds: { name: { formatted: 'NewName' } } },
  ends('/Users/{{id1}}'),
  ends('/Users/{{id2}}'),
];

const groups: readonly Step[] = [
  makes(
    'a group of nobody',
    '/Groups',
    { schemas: [GROUP], externalId: 'g-1', displayName: 'Group1', members: [] },
    'groupid',
  ),
  makes('a third user', '/Users', { ...andrew, userName: 'UserName333', externalId: 'ms-4' }, 'id3'),
  makes(
    'a fourth user',
    '/Users',
    { ...andrew, userName: 'UserName444', externalId: 'ms-5', emails: emails('fourth@microsoft.example') },
    'id4',
  ),
  makes(
    'a group of one',
    '/Groups',
    { schemas: [GROUP], externalId: 'g-2', displayName: 'Group2', members: [{ value: '{{id3}}', display: 'VP' }] },
    'groupid2',
  ),
  list('/Groups'),
  makes(
    'another group',
    '/Groups',
    { schemas: [GROUP], externalId: 'g-3', displayName: 'Group3', members: [] },
    'groupid3',
  ),
  {
    asks: 'a whole group replaced',
    send: [
      'PUT',
      '/Groups/{{groupid3}}',
      {
        schemas: [GROUP],
        id: '{{groupid3}}',
        displayName: 'putName',
        members: [
          { value: '{{id3}}', display: 'VP' },
          { value: '{{id4}}', display: 'SeniorVP' },
        ],
      },
    ],
    status: 200,
  },
  {
    asks: 'the replaced group with its members',
    send: ['GET', '/Groups/{{groupid3}}'],
    status: 200,
    holds: { id: '{{groupid3}}', members: including({ value: '{{id3}}' }, { value: '{{id4}}' }) },
  },
  { asks: 'a member more', send: ['PATCH', '/Groups/{{groupid}}', joining], status: 204 },
  {
    asks: 'a member fewer',
    send: ['PATCH', '/Groups/{{groupid}}', changes({ op: 'remove', path: 'members[value eq "{{id4}}"]' })],
    status: 204,
  },
  { asks: 'the member once more', send: ['PATCH', '/Groups/{{groupid}}', joining], status: 204 },
  {
    asks: 'the member under the name that came along',
    send: ['GET', '/Groups/{{groupid}}'],
    status: 200,
    holds: { id: '{{groupid}}', members: [{ value: '{{id4}}', display: 'andrew' }] },
    differs: 'Name of a member',
  },
  {
    asks: 'no members at all',
    send: ['PATCH', '/Groups/{{groupid}}', changes({ op: 'remove', path: 'members' })],
    status: 204,
  },
  {
    asks: 'the group of nobody again',
    send: ['GET', '/Groups/{{groupid}}'],
    status: 200,
    holds: { id: '{{groupid}}', members: [] },
  },
  ...['/Users/{{id3}}', '/Users/{{id4}}', '/Groups/{{groupid}}', '/Groups/{{groupid2}}', '/Groups/{{groupid3}}'].map(
    ends,
  ),
];

const complexAttributes: readonly Step[] = [
  {
    asks: 'an address that is none',
    send: [
      'POST',
      '/Users',
      { ...andrew, userName: 'UserName111', externalId: 'ms-6', emails: emails('emailName357') },
    ],
    status: 400,
    holds: refused(400, { scimType: 'invalidValue', detail: TEXT }),
    differs: 'An invalid email address',
  },
  makes('a user with an address', '/Users', { ...bob, userName: 'UserName111', externalId: 'ms-6' }, 'id1'),
  makes('a second user with an address', '/Users', andrew, 'id2'),
  ...['emails%5Btype+eq+%22work%22%5D', 'emails%5Bvalue+eq+%22bob@microsoft.example%22%5D'].map((attributes): Step => ({
    asks: `the attributes ${decodeURIComponent(attributes)}`,
    send: ['GET', `/Users?attributes=${attributes}`],
    status: 200,
    holds: {
      Resources: including({
        id: '{{id1}}',
        emails: [expect.objectContaining({ value: 'bob@microsoft.example', type: 'work' })],
      }),
    },
  })),
  ends('/Users/{{id1}}'),
  ends('/Users/{{id2}}'),
];

/**
 * Microsoft's collection for SCIM endpoints (MIT), up to its folder "Garbage": PostmanCollection.json of
 * AzureAD/SCIMReferenceCode at d445ef90. Its first request gets a token from the sample server; ours come from
 * `/v1/account/scim-tokens`.
 */
export const microsoft: readonly Step[] = [...discovery, ...users, ...groups, ...complexAttributes];
