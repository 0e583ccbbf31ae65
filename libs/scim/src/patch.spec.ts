import { describe, expect, it } from '@jest/globals';
import { parsePatch } from './patch.js';
import { SCIM_ENTERPRISE_USER } from './urns.js';

const patch = (...Operations: unknown[]) => parsePatch({ Operations });

describe('the operations of a PATCH', () => {
  it('keep their order and ignore case', () => {
    expect(patch({ op: 'Replace', path: 'userName', value: 'a' }, { op: 'REMOVE', path: 'externalId' })).toMatchObject([
      { op: 'replace', path: { name: 'username' }, value: 'a' },
      { op: 'remove', path: { name: 'externalid' } },
    ]);
  });

  it('are split into one per attribute if they have no path', () => {
    const value = { active: false, [SCIM_ENTERPRISE_USER]: { employeeNumber: '7' } };
    expect(patch({ op: 'add', value })).toMatchObject([
      { op: 'add', path: { name: 'active' }, value: false },
      { op: 'add', path: { schema: SCIM_ENTERPRISE_USER.toLowerCase(), name: 'employeenumber' }, value: '7' },
    ]);
  });

  it.each([
    ['invalidSyntax', undefined],
    ['invalidSyntax', { op: 'move', path: 'a' }],
    ['invalidSyntax', 'text'],
    ['invalidPath', { op: 'add', path: 5, value: 1 }],
    ['invalidPath', { op: 'add', path: 'a b', value: 1 }],
    ['noTarget', { op: 'remove' }],
    ['invalidValue', { op: 'add', value: 'text' }],
  ])('are refused with %s: %j', (scimType, operation) => {
    expect(() => patch(operation)).toThrow(expect.objectContaining({ details: expect.objectContaining({ scimType }) }));
  });

  it('must be a list of at most 1,000', () => {
    expect(() => parsePatch({})).toThrow('list');
    expect(() => patch(...Array.from({ length: 1_001 }, () => ({ op: 'remove', path: 'a' })))).toThrow('1000');
  });
});
