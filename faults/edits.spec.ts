import { expect, it } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { QUICKER } from './edits.js';
import { SAFEGUARDS } from './safeguards.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const EDITS = [...QUICKER, ...SAFEGUARDS.flatMap(({ missing }) => missing)];

/** As the build does before it edits. */
const { translate } = (await import(new URL('../scripts/lib/translate.mjs', import.meta.url).href)) as {
  translate: (path: string) => string;
};

/** The long run would tell so after half an hour. */
it.each(EDITS)('what the build edits in $file is there: $from', async ({ file, from }) => {
  const folders = await Promise.all(
    ['libs', 'services'].map(async (folder) =>
      (await readdir(`${root}${folder}`, { recursive: true })).map((path) => `${root}${folder}/${path}`),
    ),
  );
  const [path, ...others] = folders.flat().filter((one) => one.endsWith(`/${file}`));
  expect(others).toEqual([]);
  expect(translate(path!)).toMatch(new RegExp(from));
});
