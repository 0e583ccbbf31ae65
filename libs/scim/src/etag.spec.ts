import { describe, expect, it } from '@jest/globals';
import { etagOf, matchesETag, requirePreconditions } from './etag.js';

it('an ETag is weak and equal only for equal content', () => {
  const contents = [
    { displayName: 'A B' },
    { displayName: 'A', externalId: 'B' },
    { displayName: 'A', externalId: 'B', members: [] },
    { displayName: 'A', externalId: 'B', members: [{ value: '1', display: 'C' }] },
    { displayName: 'A', externalId: 'B', members: [{ value: '1', display: 'D' }] },
  ];
  expect(new Set(contents.map(etagOf)).size).toBe(contents.length);
  expect(etagOf({ ...contents[4] })).toBe(etagOf(contents[4]));
  expect(etagOf(contents[0])).toMatch(/^W\/"[\w-]{22}"$/);
});

const ETAG = 'W/"1"';
const failed = expect.objectContaining({ code: 'precondition-failed' });

describe('If-Match and If-None-Match name an ETag', () => {
  it.each(['*', ' * ', 'W/"1"', '"1"', '"0", W/"1"', 'W/"0",W/"1" , "2"', '"a,b", "1"', ', "1",'])(
    'by %j',
    (header) => {
      expect(matchesETag(header, ETAG)).toBe(true);
      expect(() => requirePreconditions({ ifMatch: header }, ETAG)).not.toThrow();
      expect(() => requirePreconditions({ ifNoneMatch: header }, ETAG)).toThrow(failed);
    },
  );
});

describe('If-Match and If-None-Match name another ETag', () => {
  it.each(['"2"', 'W/"2", "3"', '1', '', '"11"', '"1', '"', '**', '"W/1"'])('by %j', (header) => {
    expect(matchesETag(header, ETAG)).toBe(false);
    expect(() => requirePreconditions({ ifMatch: header }, ETAG)).toThrow(failed);
    expect(() => requirePreconditions({ ifNoneMatch: header }, ETAG)).not.toThrow();
  });
});

it('a request without preconditions, or with two that hold, is processed', () => {
  expect(() => requirePreconditions({}, ETAG)).not.toThrow();
  expect(() => requirePreconditions({ ifMatch: ETAG, ifNoneMatch: '"2"' }, ETAG)).not.toThrow();
});
