import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cutText, lengthOf } from './cut-text.js';

const FAMILY = '👨‍👩‍👧';
const FLAG = '🇩🇪';

describe('a text that is cut', () => {
  it.each([
    ['is left alone when it fits', 'Freshmen', 8, 'Freshmen'],
    ['is left alone when it fits in characters, not in UTF-16 units', '😀😀😀', 3, '😀😀😀'],
    ['loses a whole emoji', 'ab😀', 2, 'ab'],
    ['loses an emoji of several characters as a whole', `ab${FAMILY}`, 4, 'ab'],
    ['keeps it when it fits', `ab${FAMILY}c`, 7, `ab${FAMILY}`],
    ['loses a flag as a whole', `a${FLAG}`, 2, 'a'],
    ['is not cut between two flags that stand together', `${FLAG}${FLAG}`, 3, FLAG],
    ['keeps a letter with its accent', 'cafe\u0301s', 5, 'cafe\u0301'],
    ['loses a letter with its accent', 'cafe\u0301s', 4, 'caf'],
    ['keeps a line break of two characters whole', 'a\r\nb', 2, 'a'],
    ['may be cut to nothing', 'abc', 0, ''],
  ])('%s', (_, text, max, cut) => {
    expect(cutText(text, max)).toBe(cut);
  });

  it('is cut within a first letter that alone is too long, but within no surrogate pair', () => {
    expect(cutText(FAMILY, 3)).toBe('👨‍👩');
    expect(cutText(`e${'\u0301'.repeat(500)}`, 200)).toBe(`e${'\u0301'.repeat(199)}`);
  });

  it('is a beginning, fits, is well formed and ends at a border', () => {
    const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
    const texts = fc.array(fc.constantFrom('a', 'é', 'e\u0301', '😀', FAMILY, FLAG, '👍🏽', '\r\n', '한', 'ก็'), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(texts, fc.nat(20), (parts, max) => {
        const text = parts.join('');
        const cut = cutText(text, max);
        expect(text.startsWith(cut)).toBe(true);
        expect(lengthOf(cut)).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed()).toBe(true);
        const [first] = segmenter.segment(text);
        const borders = Array.from(segmenter.segment(text), ({ index }) => index).concat(text.length);
        if (!first || lengthOf(first.segment) <= max) expect(borders).toContain(cut.length);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
