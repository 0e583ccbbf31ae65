import { describe, expect, it } from '@jest/globals';
import { checkJson } from './sane-json.js';

const nested = (levels: number, open: string, close: string) =>
  JSON.parse(`${open.repeat(levels)}1${close.repeat(levels)}`) as unknown;
const refused = expect.objectContaining({ code: 'invalid-json' });

describe('a JSON body', () => {
  it('may contain any valid text', () => {
    expect(() => checkJson({ name: 'Ærøskøbing 😀\n', list: [1, null, true, { 'a.b': ['\u202e'] }] })).not.toThrow();
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const)
      expect(() => checkJson(nested(64, open, close))).not.toThrow();
  });

  it.each([65, 200_000])('is refused when nested %i levels deep', (levels) => {
    expect(() => checkJson(nested(levels, '[', ']'))).toThrow(refused);
    expect(() => checkJson(nested(levels, '{"a":', '}'))).toThrow(refused);
  });

  it.each([{ a: 'x\0y' }, { 'x\0y': 1 }, ['\ud83d'], [{ a: [{ '\udc00': 1 }] }], 'x\ud800y'])(
    'is refused when it contains invalid text: %j',
    (body) => {
      expect(() => checkJson(body)).toThrow(refused);
    },
  );
});
