import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matcherOf } from './filter-matcher.js';
import { parseFilter } from './filter-parser.js';
import { attributesOf, USER_TYPE } from '../schema/resource-types.js';
import { SCIM_ENTERPRISE_USER, SCIM_USER } from '../urns.js';

const attributes = attributesOf(USER_TYPE);
const matches = (filter: string, resource: Record<string, unknown>) =>
  matcherOf(parseFilter(filter), attributes)(resource);

const ada = {
  schemas: [SCIM_USER, SCIM_ENTERPRISE_USER],
  id: 'ab-1',
  externalId: 'Ext',
  userName: 'Ada@Example.com',
  name: { givenName: 'Ada' },
  displayName: '',
  active: true,
  emails: [
    { value: 'ada@work.example', type: 'work', primary: true },
    { value: 'ada@home.example', type: 'home', primary: false },
  ],
  groups: [],
  [SCIM_ENTERPRISE_USER]: { employeeNumber: 'E7' },
  meta: { created: '2030-01-31T12:00:00.000Z' },
};

describe('a filter matches', () => {
  it.each([
    'userName eq "ADA@example.com"',
    'userName ne "ben"',
    'userName co "@EX"',
    'userName sw ""',
    'userName ew ".COM"',
    'userName gt "ad"',
    'userName le "ada@example.com"',
    `${SCIM_USER}:userName pr`,
    'externalId eq "Ext"',
    'name pr',
    'name.givenName eq "ada"',
    'name.familyName eq null',
    'name.familyName ne "x"',
    'externalId ne null',
    'active eq true',
    'active eq "True"',
    'active ne false',
    'emails co "home"',
    'emails.type eq "HOME"',
    'emails[type eq "Work" and value sw "ADA@WORK"]',
    'emails[primary eq "False"].value ew "home.example"',
    'emails[not (type eq "work")]',
    `${SCIM_ENTERPRISE_USER}:employeeNumber eq "E7"`,
    'meta.created eq "2030-01-31T13:00:00+01:00"',
    'meta.created lt "2030-02-01T00:00:00Z"',
    'meta.lastModified ne "2030-02-01T00:00:00Z"',
    'not (unknown pr)',
    'unknown eq null',
  ])('by %s', (filter) => {
    expect(matches(filter, ada)).toBe(true);
  });
});

describe('a filter does not match', () => {
  it.each([
    'externalId eq "ext"',
    'displayName pr',
    'groups pr',
    'name.familyName pr',
    'name.familyName gt "a"',
    'name eq "Ada"',
    'active eq "false"',
    'emails[type eq "work" and value ew "home.example"]',
    'emails[primary eq true].type eq "home"',
    'emails[unknown eq "x"]',
    `${SCIM_ENTERPRISE_USER}:employeeNumber eq "e7"`,
    'employeeNumber pr',
    'meta.created gt "2030-01-31T12:00:00Z"',
    'unknown pr',
    'constructor pr',
  ])('by %s', (filter) => {
    expect(matches(filter, ada)).toBe(false);
  });
});

it.each([
  'userName eq 5',
  'userName gt null',
  'active gt true',
  'active eq "yes"',
  'meta.created eq "today"',
  'meta.created co "2030"',
])('a comparison that the attribute does not allow is refused: %s', (filter) => {
  expect(() => matches(filter, ada)).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ scimType: 'invalidFilter' }) }),
  );
});

it('names of attributes are case-insensitive', () => {
  expect(matches('EMAILS[VALUE eq "x"]', { Emails: [{ Value: 'x' }] })).toBe(true);
});

it('and, or, not and parentheses combine like JavaScript', () => {
  type Formula = { scim: string; js: boolean };
  const user = { userName: 'x', active: false };
  const atom = fc.constantFrom<Formula>({ scim: 'userName pr', js: true }, { scim: 'active eq true', js: false });
  const formulas = fc.letrec<{ formula: Formula }>((tie) => ({
    formula: fc.oneof(
      { maxDepth: 4 },
      atom,
      fc.tuple(tie('formula'), fc.boolean()).map(([{ scim, js }, negated]) => ({
        scim: `${negated ? 'not ' : ''}(${scim})`,
        js: js !== negated,
      })),
      // A chain without parentheses: `and` binds tighter than `or`.
      fc.array(fc.array(atom, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }).map((sums) => ({
        scim: sums.map((products) => products.map(({ scim }) => scim).join(' and ')).join(' or '),
        js: sums.some((products) => products.every(({ js }) => js)),
      })),
      fc.tuple(tie('formula'), fc.constantFrom('and', 'or'), tie('formula')).map(([left, operator, right]) => ({
        scim: `(${left.scim}) ${operator} (${right.scim})`,
        js: operator === 'and' ? left.js && right.js : left.js || right.js,
      })),
    ),
  })).formula;
  fc.assert(
    fc.property(formulas, ({ scim, js }) => {
      fc.pre(scim.length <= 4_000 && scim.split(/ pr| eq/).length <= 100);
      expect(matches(scim, user)).toBe(js);
    }),
  );
});

it('strings are ordered by code points, like the collation "C"', () => {
  expect(matches('userName gt "\\uffee"', { userName: '😀' })).toBe(true);
});
