import { describe, expect, it } from '@jest/globals';
import { attributeOf, booleanValue, stringValue } from './values.js';

const invalid = expect.objectContaining({ details: expect.objectContaining({ scimType: 'invalidValue' }) });

describe('a string attribute', () => {
  it.each([
    [' a ', 'a'],
    [5, '5'],
    [['a'], 'a'],
    [{ Value: 'a' }, 'a'],
    [[{ value: 'a' }], 'a'],
    ['', null],
    [null, null],
  ])('is read from %j', (value, expected) => {
    expect(stringValue('userName', value)).toBe(expected);
  });

  it.each([true, ['a', 'b'], {}, 'a\u0000', '\ud800', 'x'.repeat(201)])('is refused: %j', (value) => {
    expect(() => stringValue('userName', value)).toThrow(invalid);
  });
});

describe('a boolean attribute', () => {
  it.each([
    [true, true],
    ['False', false],
    [[{ value: 'TRUE' }], true],
    [null, null],
  ])('is read from %j', (value, expected) => {
    expect(booleanValue('active', value)).toBe(expected);
  });

  it.each(['', 'yes', 1, {}])('is refused: %j', (value) => {
    expect(() => booleanValue('active', value)).toThrow(invalid);
  });
});

it('names of attributes are case-insensitive', () => {
  expect(attributeOf({ Value: 1 }, 'vALUE')).toBe(1);
});
