import { GROUP, PATCH_OP, USER } from '../support/scim-api.js';
import { including, LIST, NUMBER, refused, TEXT, type Step } from './step.js';

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Schema';
const TYPE = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';
const plain = { schemas: [USER], userName: 'verified-1', emails: [{ value: 'one@scim-verify.example' }] };
const renaming = (path: string, value: string) => ({
  schemas: [PATCH_OP],
  Operations: [{ op: 'replace', path, value }],
});
const each = (schema: string, more: object) =>
  expect.not.arrayContaining([expect.not.objectContaining({ schemas: [schema], id: TEXT, name: TEXT, ...more })]);

/** SCIM Verify (https://verify.scim.dev), a suite for Node.js: limosa-io/scimverify at a90a44db, and its later configuration at 5e653434. */
export const scimVerify: readonly Step[] = [
  {
    asks: 'that users are not shown without a token',
    send: ['GET', '/Users'],
    headers: { authorization: '' },
    status: 401,
  },
  {
    asks: 'the kinds of resources, each valid',
    send: ['GET', '/ResourceTypes'],
    status: 200,
    holds: {
      schemas: [LIST],
      totalResults: NUMBER,
      Resources: each(TYPE, { description: TEXT, endpoint: TEXT, schema: TEXT }),
    },
  },
  { asks: 'one kind of resource', send: ['GET', '/ResourceTypes/User'], status: 200, holds: { schemas: [TYPE] } },
  {
    asks: 'the schemas, each valid',
    send: ['GET', '/Schemas'],
    status: 200,
    holds: { schemas: [LIST], totalResults: NUMBER, Resources: each(SCHEMA, { attributes: expect.any(Array) }) },
  },
  { asks: 'one schema', send: ['GET', `/Schemas/${USER}`], status: 200, holds: { schemas: [SCHEMA], name: 'User' } },
  {
    asks: 'users in pages that begin where they are asked to',
    send: ['GET', '/Users?startIndex=20&count=5'],
    status: 200,
    holds: { schemas: [LIST], startIndex: 20, Resources: [] },
  },
  {
    asks: 'an error for a user who is not there',
    send: ['GET', '/Users/9876543210123456'],
    status: 404,
    holds: refused(404),
  },
  {
    asks: 'a user with attributes at the root',
    send: ['POST', '/Users', plain],
    status: 201,
    holds: { schemas: expect.arrayContaining([USER]), userName: plain.userName },
  },
  {
    asks: 'a user with attributes under the name of the schema',
    send: [
      'POST',
      '/Users',
      { schemas: [USER], [USER]: { userName: 'verified-2', emails: [{ value: 'two@scim-verify.example' }] } },
    ],
    status: 201,
    holds: { userName: 'verified-2', emails: [{ value: 'two@scim-verify.example' }] },
    keep: { id: 'id' },
  },
  {
    asks: 'users with nothing but the user name',
    send: ['GET', '/Users?attributes=userName'],
    status: 200,
    holds: { Resources: expect.not.arrayContaining([expect.not.objectContaining({ userName: TEXT })]) },
  },
  {
    asks: 'a user name with a blank, replaced as a whole',
    send: [
      'PUT',
      '/Users/{{id}}',
      { ...plain, userName: 'barbara jensen', emails: [{ value: 'two@scim-verify.example' }] },
    ],
    status: 200,
    holds: { userName: 'barbara jensen', emails: [{ value: 'two@scim-verify.example' }] },
  },
  {
    asks: 'a changed user, answered whole',
    send: ['PATCH', '/Users/{{id}}', renaming('userName', 'JohnDoe')],
    status: 200,
    holds: { schemas: expect.arrayContaining([USER]), userName: 'JohnDoe' },
  },
  {
    asks: 'users in the order of their names',
    send: ['GET', '/Users?sortBy=userName&filter=userName sw "verified" or userName eq "johndoe"'],
    status: 200,
    holds: { Resources: [{ userName: 'JohnDoe' }, { userName: 'verified-1' }] },
  },
  {
    asks: 'a group with attributes at the root',
    send: ['POST', '/Groups', { schemas: [GROUP], displayName: 'TestGroup' }],
    status: 201,
    holds: { schemas: [GROUP], displayName: 'TestGroup' },
  },
  {
    asks: 'a group with attributes under the name of the schema, and a member',
    send: [
      'POST',
      '/Groups',
      { schemas: [GROUP], [GROUP]: { displayName: 'Engineering', members: [{ value: '{{id}}' }] } },
    ],
    status: 201,
    holds: { schemas: [GROUP], displayName: 'Engineering', members: [{ value: '{{id}}' }] },
    keep: { group: 'id' },
  },
  {
    asks: 'the list of groups',
    send: ['GET', '/Groups'],
    status: 200,
    holds: {
      schemas: [LIST],
      totalResults: NUMBER,
      itemsPerPage: NUMBER,
      startIndex: 1,
      Resources: including({ id: '{{group}}' }),
    },
  },
  {
    asks: 'a single group',
    send: ['GET', '/Groups/{{group}}'],
    status: 200,
    holds: { schemas: [GROUP], id: '{{group}}' },
  },
  {
    asks: 'an error for a group that is not there',
    send: ['GET', '/Groups/9876543210123456'],
    status: 404,
    holds: refused(404),
  },
  {
    asks: 'invalidSyntax and a number for a group without a name',
    send: ['POST', '/Groups', { schemas: [GROUP] }],
    status: 400,
    holds: refused(400, { scimType: 'invalidValue' }),
    differs: 'What is required is missing',
  },
  {
    asks: 'a replaced group',
    send: [
      'PUT',
      '/Groups/{{group}}',
      { schemas: [GROUP], displayName: 'UpdatedGroup', members: [{ value: '{{id}}' }] },
    ],
    status: 200,
    holds: { displayName: 'UpdatedGroup', members: [{ value: '{{id}}' }] },
  },
  {
    asks: 'a changed group, answered whole',
    send: ['PATCH', '/Groups/{{group}}', renaming('displayName', 'NewGroupName')],
    status: 204,
    differs: '`PATCH` of a group',
  },
  {
    asks: 'a changed group as the client wants it, its members included',
    send: ['PATCH', '/Groups/{{group}}?attributes=displayName,members', renaming('displayName', 'NewGroupName')],
    status: 200,
    holds: { schemas: [GROUP], displayName: 'NewGroupName', members: [{ value: '{{id}}' }] },
  },
  { asks: 'the end of a user', send: ['DELETE', '/Users/{{id}}'], status: 204 },
  { asks: 'the end of a group', send: ['DELETE', '/Groups/{{group}}'], status: 204 },
];
