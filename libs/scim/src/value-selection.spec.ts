import { describe, expect, it } from '@jest/globals';
import { parsePatch } from './patch.js';
import { attributesOf, GROUP_TYPE, USER_TYPE } from './schema/resource-types.js';
import { selectValues } from './value-selection.js';

const EMAIL = attributesOf(USER_TYPE).find(({ name }) => name === 'emails')!.subAttributes!;
const MEMBER = attributesOf(GROUP_TYPE).find(({ name }) => name === 'members')!.subAttributes!;
const work = { value: 'Ada@example.com', type: 'work', primary: true };
const home = { value: 'ada@home.example', type: 'home', primary: false };
const pat = { value: 'ab-1', display: 'Pat', type: 'User', $ref: 'https://example.com/scim/v2/Users/ab-1' };

const operation = (op: string, path: string) => parsePatch({ Operations: [{ op, path, value: 'x' }] })[0]!;
const selected = (op: string, path: string) =>
  path.startsWith('emails')
    ? selectValues(operation(op, path), [work, home], EMAIL)
    : selectValues(operation(op, path), [pat], MEMBER);

describe('a path targets', () => {
  it.each([
    ['emails', [work, home]],
    ['emails[type eq "work"].value', [work]],
    ['emails[type eq "Work"].value', [work]],
    ['emails[primary eq "True"].value', [work]],
    ['emails[primary eq true].value', [work]],
    ['emails[primary ne true].value', [home]],
    ['emails[value eq "ada@EXAMPLE.com"].value', [work]],
    ['emails[value ew "example"]', [home]],
    ['members[value eq "AB-1"]', [pat]],
    ['members[display eq "pat"]', [pat]],
    ['members[type eq "user"]', [pat]],
    ['members[$ref eq "https://example.com/scim/v2/Users/ab-1"]', [pat]],
    ['members[$ref eq "https://example.com/scim/v2/users/ab-1"]', []],
  ])('%s', (path, values) => {
    expect(selected('remove', path)).toEqual(values);
  });
});

it('a filter without a match is an error for replace only', () => {
  const noTarget = expect.objectContaining({ details: expect.objectContaining({ scimType: 'noTarget' }) });
  for (const path of ['emails[type eq "other"].value', 'members[display eq "Kim"]', 'members[unknown eq "x"]']) {
    expect(() => selected('replace', path)).toThrow(noTarget);
    expect(selected('add', path)).toEqual([]);
    expect(selected('remove', path)).toEqual([]);
  }
});
