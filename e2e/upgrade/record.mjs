// node e2e/upgrade/record.mjs <checkout>: see README.md.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureInstalled, Fault, main, run } from '../../scripts/lib/prepare.mjs';

/** The loader with which Node runs the checkout's TypeScript. Its library differs between versions. */
function loaderOf(checkout) {
  const found = readdirSync(join(checkout, 'libs'))
    .map((library) => join(checkout, 'libs', library, 'typescript.mjs'))
    .find(existsSync);
  if (!found) throw new Fault(`${checkout} has no libs/*/typescript.mjs.`);
  return found;
}

await main(async () => {
  const [folder] = process.argv.slice(2);
  if (!folder) throw new Fault('Usage: node e2e/upgrade/record.mjs <checkout of the version to record>');
  const checkout = resolve(folder);
  const node = await ensureInstalled();
  return run(node, ['--import', loaderOf(checkout), join(import.meta.dirname, 'recorder/main.ts'), checkout]);
});
