import { describe, expect, it } from '@jest/globals';
import { isReturned, project, splitAttributeNames } from './projection.js';
import { SCIM_ENTERPRISE_USER, SCIM_USER } from './urns.js';

const resource = {
  schemas: [SCIM_USER, SCIM_ENTERPRISE_USER],
  id: '1',
  userName: 'ada',
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  emails: [{ value: 'ada@example.com', type: 'work' }],
  [SCIM_ENTERPRISE_USER]: { employeeNumber: '7', department: 'x' },
};
const { schemas, id } = resource;

describe('a projection', () => {
  it.each([
    [['userName'], { userName: 'ada' }],
    [['USERNAME', 'name.givenname'], { userName: 'ada', name: { givenName: 'Ada' } }],
    [[`${SCIM_USER}:userName`], { userName: 'ada' }],
    [['emails.value'], { emails: [{ value: 'ada@example.com' }] }],
    [['emails[type eq "work"]'], { emails: resource.emails }],
    [['emails[value eq "a]b"].type'], { emails: [{ type: 'work' }] }],
    [[SCIM_ENTERPRISE_USER], { [SCIM_ENTERPRISE_USER]: resource[SCIM_ENTERPRISE_USER] }],
    [[`${SCIM_ENTERPRISE_USER}:employeeNumber`], { [SCIM_ENTERPRISE_USER]: { employeeNumber: '7' } }],
    [['unknown'], {}],
  ])('returns %j, id and schemas', (attributes, expected) => {
    expect(project(resource, { attributes })).toEqual({ schemas, id, ...expected });
  });

  it('leaves out what is excluded, except id and schemas', () => {
    const excludedAttributes = ['id', 'schemas', 'name.familyName', 'emails', SCIM_ENTERPRISE_USER];
    expect(project(resource, { excludedAttributes })).toEqual({
      schemas,
      id,
      userName: 'ada',
      name: { givenName: 'Ada' },
    });
  });

  it('returns everything by default', () => {
    expect(project(resource, { attributes: [] })).toEqual(resource);
  });

  it.each([
    [true, {}],
    [true, { attributes: ['Members.value'] }],
    [false, { attributes: ['displayName'] }],
    [false, { excludedAttributes: ['MEMBERS'] }],
    [true, { excludedAttributes: ['members.display'] }],
  ])('says whether an attribute is returned: %s for %j', (expected, projection) => {
    expect(isReturned('members', projection)).toBe(expected);
  });
});

it.each([
  ['userName, emails.value,', ['userName', 'emails.value']],
  ['emails[value eq "a,\\",b"],id', ['emails[value eq "a,\\",b"]', 'id']],
  ['a"b,c', ['a"b', 'c']],
  ['', []],
])('names are separated by commas outside of strings: %j', (list, names) => {
  expect(splitAttributeNames(list)).toEqual(names);
});
