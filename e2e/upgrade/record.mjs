// node e2e/upgrade/record.mjs <checkout>: see README.md.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureInstalled, main, run, UserError } from '../../scripts/lib/prepare.mjs';

/** Where versions keep the loader with which Node runs their TypeScript. */
const LOADERS = ['scripts/lib/typescript-loader.mjs', 'libs/testing/typescript.mjs'];

/** @param {string} checkout */
function loaderOf(checkout) {
  const found = LOADERS.map((path) => join(checkout, path)).find((path) => existsSync(path));
  if (!found) throw new UserError(`${checkout} has none of ${LOADERS.join(', ')}.`);
  return found;
}

await main(async () => {
  const [folder] = process.argv.slice(2);
  if (!folder) throw new UserError('Usage: node e2e/upgrade/record.mjs <checkout of the version to record>');
  const checkout = resolve(folder);
  const node = await ensureInstalled();
  return run(node, ['--import', loaderOf(checkout), join(import.meta.dirname, 'recorder/main.ts'), checkout]);
});
