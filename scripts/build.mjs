// Builds what the services and scripts run: each TypeScript file as JavaScript in dist/, and each service bundled with the
// packages it uses, because loading thousands of small files is most of the start-up time. `npm run typecheck` checks types.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { translate } from './lib/translate.mjs';
import { bundleOptions } from './lib/bundling.mjs';
import { root } from './lib/root.mjs';
import { bundles, services } from './lib/services.mjs';

const SOURCES = ['libs', 'services'];

/** @param {string} path */
const isSource = (path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.endsWith('.d.ts');

/** @param {string} path */
async function compile(path) {
  const target = join(root, 'dist', path.replace(/ts$/, 'js'));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, translate(join(root, path)));
}

for (const folder of ['dist/libs', 'dist/services', bundles])
  await rm(join(root, folder), { recursive: true, force: true });
for (const folder of SOURCES) {
  const files = await readdir(join(root, folder), { recursive: true });
  await Promise.all(files.filter(isSource).map((file) => compile(join(folder, file))));
}
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(services.map((name) => [name, `dist/services/${name}/src/main.js`])),
  outdir: join(root, bundles),
  ...bundleOptions,
});
