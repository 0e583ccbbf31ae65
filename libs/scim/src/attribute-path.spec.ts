import { describe, expect, it } from '@jest/globals';
import { attributeKey, parentKey, parseAttributePath } from './attribute-path.js';
import { SCIM_ENTERPRISE_USER, SCIM_USER } from './urns.js';

describe('an attribute path', () => {
  it.each([
    ['userName', 'username'],
    ['name.familyName', 'name.familyname'],
    ['members.$ref', 'members.$ref'],
    [`${SCIM_USER}:userName`, 'username'],
    [`${SCIM_USER.toUpperCase()}:name.givenName`, 'name.givenname'],
    [`${SCIM_ENTERPRISE_USER}:employeeNumber`, `${SCIM_ENTERPRISE_USER.toLowerCase()}.employeenumber`],
    ['urn:example:2.0:User:shoeSize', 'urn:example:2.0:user.shoesize'],
  ])('identifies an attribute: %s', (text, key) => {
    expect(attributeKey(parseAttributePath(text)!)).toBe(key);
  });

  it.each(['', 'a b', '1st', 'name.', 'emails[', 'a.b.c', ' userName', 'urn:example:'])('is not %j', (text) => {
    expect(parseAttributePath(text)).toBeUndefined();
  });

  it('has a parent', () => {
    expect(parentKey(parseAttributePath('name.givenName')!)).toBe('name');
    expect(parentKey(parseAttributePath('userName')!)).toBe('username');
  });
});
