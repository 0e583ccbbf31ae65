import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { RETRY_DELAYS_MS } from '#libs/jobs';

/** Rows like `| 3 | 15 s |` of the table in docs/OPERATIONS.md. */
const ROW = /^\| *(\d+) *\| *(\d+) (s|min|h) *\|$/gm;
const UNIT_MS: Record<string, number> = { s: 1_000, min: 60_000, h: 3_600_000 };

it('docs/OPERATIONS.md has the delays between tries', async () => {
  const text = await readFile(new URL('../../../docs/OPERATIONS.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(ROW)].map(([, tries, count, unit]) => [
    Number(tries),
    Number(count) * UNIT_MS[unit!]!,
  ]);
  expect(rows).toEqual(RETRY_DELAYS_MS.map((delay, index) => [index + 1, delay]));
});
