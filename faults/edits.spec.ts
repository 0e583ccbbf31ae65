import { expect, it } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { translate } from '../scripts/lib/translate.mjs';
import { QUICKER } from './edits.js';
import { SAFEGUARDS } from './safeguards.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const EDITS = [...QUICKER, ...SAFEGUARDS.flatMap(({ missing }) => missing)];

/** Finds an outdated edit early; the long run would find it after half an hour. */
it.each(EDITS)('$file contains what the build edits: $from', async ({ file, from }) => {
  const folders = await Promise.all(
    ['libs', 'services'].map(async (folder) =>
      (await readdir(`${root}${folder}`, { recursive: true })).map((path) => `${root}${folder}/${path}`),
    ),
  );
  const [path, ...others] = folders.flat().filter((one) => one.endsWith(`/${file}`));
  expect(others).toEqual([]);
  // The build edits the translated source.
  expect(translate(path!)).toMatch(new RegExp(from));
});
