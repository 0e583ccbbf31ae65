import { ENTERPRISE, GROUP, PATCH_OP, USER } from '../support/scim-api.js';
import { including, NUMBER, refused, type Step } from './step.js';

const EXTERNAL = '22fbc523-6032-4c5f-939d-5d4850cf3e52';
const omalley = {
  schemas: [USER],
  userName: 'OMalley',
  active: true,
  displayName: 'Kim Baker',
  externalId: EXTERNAL,
  name: {
    formatted: 'Dan Magee',
    familyName: 'OMalley',
    givenName: 'Darl',
    honorificPrefix: null,
    honorificSuffix: null,
  },
  emails: [
    { type: 'work', primary: true, value: 'anna33@example.com' },
    { type: 'other', primary: false, value: 'anna33@mail.example' },
  ],
  phoneNumbers: [{ type: 'work', primary: true, value: '312-320-0932' }],
  addresses: [{ type: 'work', country: 'Bermuda', postalCode: null, primary: false }],
  meta: { created: '2019-09-18T18:15:26.5788954+00:00', resourceType: 'User' },
  preferredLanguage: 'xh',
  roles: [],
  title: 'Site engineer',
};
/** The collection sends all further users with the email address and the external id of the first one. */
const another = (userName: string) => ({
  ...omalley,
  userName,
  name: { ...omalley.name, familyName: 'Employee' },
  emails: [
    { type: 'work', primary: true, value: 'anna33@mail.example' },
    { type: 'work', primary: false, value: 'anna33@example.com' },
  ],
});
/** A user with its own address and external id, as Leaver requires. */
const apart = (userName: string) => ({
  ...another(userName),
  externalId: `external ${userName}`,
  emails: [{ type: 'work', primary: true, value: `${userName}@example.com` }],
});
const { userName: _none, ...nameless } = apart('nameless');
const changes = (...Operations: object[]) => ({ schemas: [PATCH_OP], Operations });
const changed = (what: string, operation: object): Step => ({
  asks: `204 for ${what}`,
  send: ['PATCH', '/Users/{{first}}', changes(operation)],
  status: 200,
  differs: '`PATCH` of a user',
});
const makes = (asks: string, body: object, name: string): Step => ({
  asks,
  send: ['POST', '/Users', body],
  status: 201,
  holds: { active: true },
  keep: { [name]: 'id' },
});
const again: Step = {
  asks: 'a conflict for a user who is there',
  send: ['POST', '/Users', apart('emp3')],
  status: 409,
  holds: refused(409, { scimType: 'uniqueness' }),
};
const ends = (path: string): Step => ({ asks: `that ${path} is deleted`, send: ['DELETE', path], status: 204 });
/** The users that a filter finds, without the account's owner. */
const finds = (filter: string, ...userNames: string[]): Step => ({
  asks: `who is meant by ${filter}`,
  send: ['GET', `/Users?sortBy=userName&filter=${encodeURIComponent(filter)}`],
  status: 200,
  holds: { totalResults: userNames.length, Resources: userNames.map((userName) => ({ userName })) },
});
const unquoted = (filter: string): Step => ({
  asks: `who is meant by ${filter}`,
  send: ['GET', `/Users?filter=${encodeURIComponent(filter)}`],
  status: 400,
  holds: refused(400, { scimType: 'invalidFilter' }),
  differs: 'Text in filters',
});

const users: readonly Step[] = [
  {
    ...makes('a user with much that is not kept', omalley, 'first'),
    holds: { userName: 'OMalley', active: true, emails: [{ value: 'anna33@example.com' }] },
  },
  {
    asks: 'a user of the same external id',
    send: ['POST', '/Users', { ...apart('emp1'), externalId: EXTERNAL }],
    status: 409,
    holds: refused(409, { scimType: 'uniqueness' }),
    differs: 'The same `externalId` twice',
  },
  makes('an active user whose active is text', { ...apart('emp1'), active: 'True' }, 'second'),
  {
    asks: 'everybody',
    send: ['GET', '/Users'],
    status: 200,
    holds: { totalResults: 3, Resources: including({ userName: 'OMalley' }, { userName: 'emp1' }) },
  },
  {
    asks: 'a user of the same address',
    send: ['POST', '/Users', { ...another('emp2'), emails: omalley.emails, externalId: 'external emp2' }],
    status: 409,
    holds: refused(409, { detail: expect.stringMatching(/^duplicate-email/) }),
    differs: 'The same address twice',
  },
  makes('a third user', apart('emp2'), 'third'),
  makes('a fourth user', apart('emp3'), 'fourth'),
  {
    asks: 'an error for a user without a name',
    send: ['POST', '/Users', nameless],
    status: 400,
    holds: refused(400, { scimType: 'invalidValue' }),
  },
  {
    asks: 'an error for junk',
    send: ['POST', '/Users', '{ "acve": tre, "adadfdresses": [ { "coudftry": "Beruda", locality: null, les": [] }'],
    status: 400,
    holds: refused(400, { scimType: 'invalidSyntax' }),
  },
  again,
  { ...again, asks: 'the same conflict a second time' },
  {
    asks: 'an error for a replaced user without a name',
    send: [
      'PUT',
      '/Users/{{first}}',
      { ...nameless, userame: 'OMalley', externalId: EXTERNAL, emails: omalley.emails },
    ],
    status: 400,
    holds: refused(400, { scimType: 'invalidValue' }),
  },
  {
    asks: 'a replaced user with a misspelled attribute, which is not there then',
    send: ['PUT', '/Users/{{first}}', { ...omalley, addresses: undefined, adreses: omalley.addresses, active: false }],
    status: 200,
    holds: expect.not.objectContaining({ adreses: expect.anything() }),
  },
  makes('a user of an enterprise', { ...apart('enterprise'), schemas: [USER, ENTERPRISE] }, 'fifth'),
  changed('a new user name', { op: 'Replace', path: 'userName', value: 'newusername' }),
  changed('a deactivation', { op: 'Replace', path: 'active', value: false }),
  {
    asks: 'both changes',
    send: ['GET', '/Users/{{first}}'],
    status: 200,
    holds: { userName: 'newusername', active: false },
  },
  {
    asks: 'the postal address in a replaced user',
    send: ['PUT', '/Users/{{first}}', { ...omalley, active: false, addresses: [{ type: 'work', country: 'Germany' }] }],
    status: 200,
    holds: expect.not.objectContaining({ addresses: expect.anything() }),
    differs: 'Postal addresses',
  },
  {
    asks: 'the replaced user',
    send: ['GET', '/Users/{{first}}'],
    status: 200,
    holds: { userName: 'OMalley', active: false },
  },
  {
    asks: 'a page of two',
    send: ['GET', '/Users?startIndex=1&count=2'],
    status: 200,
    holds: { totalResults: 6, itemsPerPage: 2 },
  },
  {
    asks: 'two attributes',
    send: ['GET', '/Users?attributes=userName,emails'],
    status: 200,
    holds: { totalResults: 6 },
  },
  { ...again, asks: 'the same conflict a third time' },
  unquoted('name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)'),
  finds(
    'name.FamilyName eq "Employee" and (emails.Value co "example.com" or emails.Value co "example.org")',
    'emp1',
    'emp2',
    'emp3',
    'enterprise',
  ),
  unquoted('userName sw O'),
  finds('userName sw "O"', 'OMalley'),
  unquoted('meta.Created gt 2015-10-10T14:38:21.8617979-07:00'),
  {
    asks: 'everybody made since a time',
    send: ['GET', `/Users?filter=${encodeURIComponent('meta.Created gt "2015-10-10T14:38:21.8617979-07:00"')}`],
    status: 200,
    holds: { totalResults: 6 },
  },
];

const joining = (member: string) => ({ id: '{{group}}', ...changes({ op: 'add', path: 'members', value: member }) });
const groups: readonly Step[] = [
  {
    asks: 'a group',
    send: ['POST', '/Groups', { schemas: [GROUP], displayName: 'Group 1', externalId: '015489ea' }],
    status: 201,
    keep: { group: 'id' },
  },
  ...['string id 1', 'string id 2'].map((member): Step => ({
    asks: `the member ${member}`,
    send: ['PATCH', '/Groups/{{group}}', joining(member)],
    status: 400,
    holds: refused(400, { scimType: 'invalidValue' }),
    differs: 'Members who are not there',
  })),
  ...['{{second}}', '{{third}}'].map((member): Step => ({
    asks: 'a member by the mere id',
    send: ['PATCH', '/Groups/{{group}}', joining(member)],
    status: 204,
  })),
  {
    asks: 'the group',
    send: ['GET', '/Groups/{{group}}'],
    status: 200,
    holds: { members: including({ value: '{{second}}' }, { value: '{{third}}' }) },
  },
  {
    asks: 'the group without members',
    send: ['GET', '/Groups/{{group}}?excludedAttributes=members'],
    status: 200,
    holds: expect.not.objectContaining({ members: expect.anything() }),
  },
  {
    asks: 'a replaced group',
    send: [
      'PUT',
      '/Groups/{{group}}',
      { schemas: [GROUP], id: '{{group}}', displayName: 'Tiffany', externalId: '6c6b54c2' },
    ],
    status: 200,
    holds: { displayName: 'Tiffany', externalId: '6c6b54c2' },
  },
];

/** The rest of Microsoft's collection: requests with superfluous or invalid content, and all deletions. */
export const microsoftGarbage: readonly Step[] = [
  ...users,
  ...groups,
  ...['first', 'second', 'third', 'fourth', 'fifth'].map((name) => ends(`/Users/{{${name}}}`)),
  ends('/Groups/{{group}}'),
  {
    asks: 'nobody, but for the owner, who was there before',
    send: ['GET', '/Users?attributes=userName'],
    status: 200,
    holds: { totalResults: 1, Resources: [{ userName: expect.stringMatching(/^boss@/) }] },
  },
  {
    asks: 'no groups',
    send: ['GET', '/Groups'],
    status: 200,
    holds: { totalResults: 0, itemsPerPage: NUMBER, Resources: [] },
  },
];
