import { describe, expect, it } from '@jest/globals';
import { unzip } from '#libs/test-kit';
import { ZipFile, type ZipState } from './zip-file.js';

/** Adds each piece in a new process, as it were: only the state is carried on. */
function written(pieces: readonly (readonly [string, string])[]): Buffer {
  let state: ZipState | undefined;
  const bytes: Buffer[] = [];
  for (const piece of [...pieces, undefined]) {
    const zip = new ZipFile(state && (JSON.parse(JSON.stringify(state)) as ZipState));
    if (piece) zip.add(...piece);
    else zip.end();
    bytes.push(zip.take());
    state = zip.state;
  }
  return Buffer.concat(bytes);
}

const PIECES = [
  ['one/a.ndjson', '{"n":1}\n'],
  ['one/a.ndjson', `{"text":"${'long '.repeat(50_000)}"}\n`],
  ['one/a.ndjson', '{"n":3}\n'],
  ['two/über.ndjson', '{"text":"Grüße"}\n'],
  ['index.html', '<p>All</p>'],
] as const;

describe('a ZIP archive that is written piece by piece', () => {
  it('has one file of all pieces with the same name', () => {
    const files = unzip(written(PIECES));
    expect([...files.keys()]).toEqual(['one/a.ndjson', 'two/über.ndjson', 'index.html']);
    expect(files.get('one/a.ndjson')).toBe(
      PIECES.slice(0, 3)
        .map(([, text]) => text)
        .join(''),
    );
    expect(files.get('two/über.ndjson')).toBe('{"text":"Grüße"}\n');
  });

  it('has the same bytes each time, and is compressed', () => {
    expect(written(PIECES).equals(written(PIECES))).toBe(true);
    expect(written(PIECES).length).toBeLessThan(3_000);
  });

  it('can be empty', () => {
    expect(unzip(written([])).size).toBe(0);
  });
});
