import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseAttributePath } from '../attribute-path.js';
import { parseFilter, parsePatchPath, tryParsePatchPath } from './filter-parser.js';
import type { ComparisonOperator, Filter, FilterValue } from './filter.js';

const at = (name: string) => parseAttributePath(name)!;
const is = (name: string, operator: ComparisonOperator, value: FilterValue): Filter => ({
  kind: 'comparison',
  path: at(name),
  operator,
  value,
});
const pr = (name: string): Filter => ({ kind: 'present', path: at(name) });
const refusal = (scimType: string) => expect.objectContaining({ details: expect.objectContaining({ scimType }) });

describe('a filter', () => {
  it.each<[string, Filter]>([
    ['userName eq "ada"', is('userName', 'eq', 'ada')],
    ['USERNAME Eq "Ada"', is('userName', 'eq', 'Ada')],
    ['title PR', pr('title')],
    ['active eq true', is('active', 'eq', true)],
    ['manager ne null', is('manager', 'ne', null)],
    ['age ge -1.5e2', is('age', 'ge', -150)],
    ['a eq 0 or b eq 1', { kind: 'or', filters: [is('a', 'eq', 0), is('b', 'eq', 1)] }],
    ['a pr and b pr and c pr', { kind: 'and', filters: [pr('a'), pr('b'), pr('c')] }],
    ['a pr or b pr and c pr', { kind: 'or', filters: [pr('a'), { kind: 'and', filters: [pr('b'), pr('c')] }] }],
    ['(a pr or b pr) and c pr', { kind: 'and', filters: [{ kind: 'or', filters: [pr('a'), pr('b')] }, pr('c')] }],
    ['not (a pr) and b pr', { kind: 'and', filters: [{ kind: 'not', filter: pr('a') }, pr('b')] }],
    ['NOT(a pr)', { kind: 'not', filter: pr('a') }],
    ['not pr', pr('not')],
    ['android pr', pr('android')],
    [' ( a  pr ) ', pr('a')],
    [
      'emails[type eq "work" and not (value co "x")]',
      {
        kind: 'valuePath',
        path: at('emails'),
        filter: { kind: 'and', filters: [is('type', 'eq', 'work'), { kind: 'not', filter: is('value', 'co', 'x') }] },
      },
    ],
    [
      'emails[type eq "work"].value eq "x" or a pr',
      {
        kind: 'or',
        filters: [
          {
            kind: 'valuePath',
            path: at('emails'),
            filter: { kind: 'and', filters: [is('type', 'eq', 'work'), is('value', 'eq', 'x')] },
          },
          pr('a'),
        ],
      },
    ],
  ])('is parsed to a tree: %s', (text, tree) => {
    expect(parseFilter(text)).toEqual(tree);
  });

  it.each([
    [String.raw`"CORP\\jdoe"`, 'CORP\\jdoe'],
    [String.raw`"j\u00fcrgen"`, 'jürgen'],
    [String.raw`"a\/b"`, 'a/b'],
    [String.raw`"ends with \\"`, 'ends with \\'],
    [String.raw`"say \"hi\""`, 'say "hi"'],
    [String.raw`"\b\f\n\r\t"`, '\b\f\n\r\t'],
    [String.raw`"\ud83d\ude00"`, '😀'],
    ['"a]b) and c"', 'a]b) and c'],
    ['""', ''],
  ])('accepts a JSON string: %s', (json, value) => {
    expect(parseFilter(`userName eq ${json}`)).toEqual(is('userName', 'eq', value));
  });

  it.each([
    '',
    ' ',
    'userName',
    'userName eq',
    'userName eq ada',
    "userName eq 'ada'",
    'userName eq "ada',
    String.raw`userName eq "\"`,
    String.raw`userName eq "\x"`,
    String.raw`userName eq "\u12"`,
    'userName eq "line\nbreak"',
    'userName eq True',
    'userName eq 01',
    'userName eq .5',
    'userName eq 1x',
    'userName eq "a" and',
    'userName eq "a" "b"',
    'userName eq "a" xor b pr',
    'userName is "a"',
    '(userName pr',
    'userName pr)',
    '()',
    'not userName pr',
    'emails[value eq "a"',
    'emails[]',
    'emails[type eq "a"] eq "b"',
    'emails[type eq "a"].value',
    'emails[emails[type pr]]',
    'emails[emails.type pr]',
    'emails.value[type pr]',
    'a.b.c pr',
    '"userName" eq "a"',
    'userName eq {}',
    'userName\u00a0pr',
  ])('is refused if it does not follow the grammar: %j', (text) => {
    expect(() => parseFilter(text)).toThrow(refusal('invalidFilter'));
  });

  it('is limited in length, conditions and depth', () => {
    const conditions = (count: number) => Array.from({ length: count }, () => 'a pr').join(' or ');
    const nested = (depth: number) => `${'('.repeat(depth)}a pr${')'.repeat(depth)}`;
    expect(() => parseFilter(`a eq "${'x'.repeat(3_993)}"`)).not.toThrow();
    expect(() => parseFilter(`a eq "${'x'.repeat(3_994)}"`)).toThrow('4000 characters');
    expect(() => parseFilter(conditions(100))).not.toThrow();
    expect(() => parseFilter(conditions(101))).toThrow('100 conditions');
    expect(() => parseFilter(nested(32))).not.toThrow();
    expect(() => parseFilter(nested(33))).toThrow('32 levels');
    expect(() => parseFilter(nested(1_900))).toThrow('32 levels');
  });
});

describe('a PATCH path', () => {
  it.each([
    ['userName', { name: 'username' }],
    [' name.familyName ', { name: 'name', subAttribute: 'familyname' }],
    ['members[value eq "1"]', { name: 'members', filter: is('value', 'eq', '1') }],
    ['emails[type eq "work"].value', { name: 'emails', subAttribute: 'value', filter: is('type', 'eq', 'work') }],
    ['members[display eq "a]b"]', { name: 'members', filter: is('display', 'eq', 'a]b') }],
    [String.raw`members[display eq "\u0050at"]`, { name: 'members', filter: is('display', 'eq', 'Pat') }],
  ])('is parsed: %s', (text, path) => {
    expect(parsePatchPath(text)).toEqual(path);
  });

  it.each([
    ['invalidPath', ''],
    ['invalidPath', 'a b'],
    ['invalidPath', '1st'],
    ['invalidPath', 'a.b.c'],
    ['invalidPath', 'x'.repeat(1_001)],
    ['invalidPath', 'emails[type pr]value'],
    ['invalidPath', 'emails.value[type pr]'],
    ['invalidFilter', 'emails['],
    ['invalidFilter', 'emails[type]'],
    ['invalidFilter', 'emails[type pr].'],
    ['invalidFilter', String.raw`emails[type eq "\"].value`],
  ])('is refused with %s: %j', (scimType, text) => {
    expect(() => parsePatchPath(text)).toThrow(refusal(scimType));
    expect(tryParsePatchPath(text)).toBeUndefined();
  });
});

function conditionsIn(filter: Filter): number {
  if ('filters' in filter) return filter.filters.reduce((sum, one) => sum + conditionsIn(one), 0);
  return 'filter' in filter ? conditionsIn(filter.filter) : 1;
}

/** Generates filters with their text, which varies in case, spaces, parentheses and escapes. */
describe('any filter', () => {
  const spaces = fc.constantFrom(' ', '  ', '\t', '\r\n ');
  const letters = (text: string) =>
    fc
      .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
      .map((upper) => [...text].map((letter, index) => (upper[index] ? letter.toUpperCase() : letter)).join(''));
  const escaped = (text: string) =>
    fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((escapes) => {
      const unit = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`;
      const plain = (code: number) => JSON.stringify(String.fromCharCode(code)).slice(1, -1);
      const units = escapes.map((escape, index) => (escape ? unit : plain)(text.charCodeAt(index)));
      return `"${units.join('')}"`;
    });
  const json = (value: FilterValue): fc.Arbitrary<string> =>
    typeof value === 'string' ? escaped(value) : fc.constant(JSON.stringify(value));
  const value: fc.Arbitrary<FilterValue> = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.string({ unit: fc.constantFrom('"', '\\', ']', ')', '[', '/', 'u', ' ', 'a'), maxLength: 8 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
  );
  const operator = fc.constantFrom<ComparisonOperator>('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le');
  const simple = fc.constantFrom('value', 'type', 'not', 'and', 'pr', 'eq', 'a-b_1', '$ref');
  const whole = fc.constantFrom('userName', 'name.givenName', 'or', 'urn:example:2.0:User:shoeSize');

  type Case = [Filter, string];
  const condition = (names: fc.Arbitrary<string>): fc.Arbitrary<Case> =>
    fc
      .tuple(names, operator, value, spaces)
      .chain(([name, op, operand, space]) =>
        fc
          .tuple(letters(name), letters(op), json(operand))
          .map(([path, word, text]): Case => [is(name, op, operand), `${path}${space}${word}${space}${text}`]),
      );
  const presence = (names: fc.Arbitrary<string>): fc.Arbitrary<Case> =>
    fc.tuple(names, letters('pr'), spaces).map(([name, word, space]) => [pr(name), `${name}${space}${word}`]);
  /** Parentheses around everything but a condition, so that text and tree agree. */
  const grouped = ([filter, text]: Case): string =>
    filter.kind === 'present' || filter.kind === 'comparison' || filter.kind === 'valuePath' ? text : `(${text})`;
  const filters = (inner: boolean): fc.Arbitrary<Case> =>
    fc.letrec<{ filter: Case }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        condition(inner ? simple : whole),
        presence(inner ? simple : whole),
        fc
          .tuple(
            fc.constantFrom('and' as const, 'or' as const),
            fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
            spaces,
          )
          .chain(([kind, cases, space]) =>
            letters(kind).map((word): Case => [
              { kind, filters: cases.map(([filter]) => filter) },
              cases.map(grouped).join(`${space}${word}${space}`),
            ]),
          ),
        fc
          .tuple(tie('filter'), letters('not'), fc.constantFrom('', ' '))
          .map(([[filter, text], word, space]): Case => [{ kind: 'not', filter }, `${word}${space}(${text})`]),
        ...(inner ? [] : [selection]),
      ),
    })).filter;
  const selection: fc.Arbitrary<Case> = fc
    .oneof(fc.constant(undefined))
    .chain(() =>
      filters(true).map(([filter, text]): Case => [
        { kind: 'valuePath', path: at('emails'), filter },
        `emails[${text}]`,
      ]),
    );

  it('is parsed as it was written', () => {
    fc.assert(
      fc.property(filters(false), ([filter, text]) => {
        fc.pre(text.length <= 4_000 && conditionsIn(filter) <= 100);
        expect(parseFilter(text)).toEqual(filter);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is either parsed or refused with invalidFilter, whatever the text', () => {
    const token = fc.constantFrom(
      'userName',
      'eq',
      'pr',
      'and',
      'not',
      '(',
      ')',
      '[',
      ']',
      '.',
      '"a"',
      '\\',
      '"',
      ' ',
      '1',
      'null',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(token).map((tokens) => tokens.join('')),
        ),
        (text) => {
          try {
            expect(parseFilter(text).kind).toBeDefined();
          } catch (error) {
            expect(error).toEqual(refusal('invalidFilter'));
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
