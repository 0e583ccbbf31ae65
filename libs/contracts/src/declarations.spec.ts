import { readdir, readFile } from 'node:fs/promises';
import { ALL_OPERATIONS } from './operations.js';

const here = new URL('.', import.meta.url);
const exportedBy = async (file: string) => {
  const text = await readFile(new URL(file, here), 'utf8');
  return [...text.matchAll(/^export \* from '\.\/(.*)\.js';$/gm)].map(([, name]) => `${name}.ts`);
};

it('every file that declares operations is exported by declarations.ts', async () => {
  const listed = await exportedBy('declarations.ts');
  const files = (await readdir(here, { recursive: true })).filter((file) => /^[a-z]+\/.*(?<!\.spec)\.ts$/.test(file));
  const declaring: string[] = [];
  for (const file of files.filter((name) => !name.startsWith('scim/'))) {
    const text = await readFile(new URL(file, here), 'utf8');
    if (/ = (operation|resource)[(<]/.test(text) && !listed.includes(file)) declaring.push(file);
  }
  expect(declaring.map((file) => `${file}: add its line to libs/contracts/src/declarations.ts`)).toEqual([]);
  expect(ALL_OPERATIONS.length).toBeGreaterThan(listed.length);
});
