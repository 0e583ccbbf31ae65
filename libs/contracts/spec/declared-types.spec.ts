import { beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import * as contracts from '../src/index.js';
import { DeclaredTypes } from './declared-types.js';
import * as disagreeing from './disagreeing-contracts.js';

const CONTRACTS = join(import.meta.dirname, '../src/index.ts');
const DISAGREEING = join(import.meta.dirname, 'disagreeing-contracts.ts');

describe('the type of a contract field', () => {
  let types: DeclaredTypes;
  beforeAll(() => {
    types = new DeclaredTypes([CONTRACTS, DISAGREEING]);
  });

  it('matches what its decorator accepts and describes', () => {
    expect(types.exportsOf(CONTRACTS).length).toBeGreaterThan(200);
    expect(types.disagreements(CONTRACTS, contracts)).toEqual([]);
  });

  describe('is reported when it disagrees', () => {
    const FILE = 'libs/contracts/spec/disagreeing-contracts.ts';
    let found: string[];
    beforeAll(() => {
      found = types.disagreements(DISAGREEING, disagreeing);
    });
    /** The findings about a field, without its name. */
    const of = (field: string) =>
      found
        .filter((text) => text.startsWith(`${FILE}: ${field} `))
        .map((text) => text.slice(`${FILE}: ${field} `.length));

    it.each([
      ['Presence.optionalType', 'is declared optional, but its decorator requires it. Add `optional: true`'],
      ['Presence.optionalDecorator', 'is declared as always present, but its decorator lets it be left out. Add a `?`'],
      ['Presence.nullableType', 'is declared as possibly null, but its decorator refuses null. Add `nullable: true`'],
      ['Presence.nullableDecorator', 'is declared as never null, but its decorator accepts null. Add `| null`'],
      ['Values.literals', 'is declared as "closed" | "open", but its decorator accepts and describes string.'],
      ['Values.text', 'is declared as string, but its decorator accepts and describes "closed" | "open".'],
      ['Values.differentLiterals', 'Only the type has "shut". Only the decorator has "closed". Correct the one'],
      ['Values.numberAsText', 'is declared as string, but its decorator accepts and describes number.'],
      ['Values.textAsNumber', 'is declared as number, but its decorator accepts and describes string.'],
      ['Values.flagAsText', 'is declared as string, but its decorator accepts and describes boolean.'],
      ['Values.date', 'is declared as Date, but its decorator accepts and describes string.'],
      [
        'Values.counts',
        'is declared as Record<string, number>, but its decorator accepts and describes Record<string, unknown>.',
      ],
      ['Values.anything', 'is declared as unknown, but its decorator accepts and describes string.'],
      ['Lists.listAsOne', 'is declared as string, but its decorator accepts and describes string[].'],
      ['Lists.oneAsList', 'is declared as string[], but its decorator accepts and describes string.'],
      ['Lists.looseItems', 'is declared as string[], but its decorator accepts and describes ("closed" | "open")[].'],
      ['Lists.nestedListAsOne', 'is declared as Other, but its decorator accepts and describes Other[].'],
      ['Lists.anotherClass', 'is declared as Agreeing, but its decorator accepts and describes Other.'],
      [
        'Undecorated.forgotten',
        'is declared as number, but has no decorator: the API neither accepts nor describes it.',
      ],
      ['WithoutDecorators.forgotten', 'is declared as string, but has no decorator'],
      ['Narrowed.status', 'is declared as "open", but its decorator accepts and describes string.'],
      ['Contradictory.acceptsMore', 'accepts null, but is described as {"type":"string"}, which does not allow it.'],
      [
        'Contradictory.acceptsLess',
        'is described as {"type":"string"}, which allows "two words", but its checks refuse it.',
      ],
      [
        'Contradictory.acceptsNothing',
        'accepts none of the values that this test tries. Add one that it accepts to TEXTS',
      ],
      ['Hidden', 'has decorated fields, but libs/contracts/spec/disagreeing-contracts.ts does not export it'],
    ])('%s', (field, text) => {
      expect(of(field)).toEqual([expect.stringContaining(text)]);
    });

    it('and no other field is reported', () => {
      expect(found).toHaveLength(25);
    });
  });
});
