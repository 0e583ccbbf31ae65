// Builds what the services and scripts run: each TypeScript file as JavaScript in dist/, and each service bundled with the
// packages it uses, because loading thousands of small files is most of the start-up time. dist/console has the web console,
// dist/sbom.cdx.json lists the packages.
// `npm run typecheck` checks types.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from './lib/bundling.mjs';
import { buildConsole } from './lib/console.mjs';
import { compile } from './lib/compile.mjs';
import { root } from './lib/root.mjs';
import { writeSbom } from './lib/sbom.mjs';
import { bundles, services } from './lib/services.mjs';

const SOURCES = ['libs', 'services'];

/** @param {string} path */
const isSource = (path) =>
  path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.endsWith('.d.ts') && !path.startsWith('console/');

for (const folder of ['dist/libs', 'dist/services', bundles])
  await rm(join(root, folder), { recursive: true, force: true });
for (const folder of SOURCES) {
  const files = await readdir(join(root, folder), { recursive: true });
  await Promise.all(
    files
      .filter(isSource)
      .map((file) => compile(join(root, folder, file), join(root, 'dist', folder, file.replace(/ts$/, 'js')))),
  );
}
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(services.map((name) => [name, `dist/services/${name}/src/main.js`])),
  outdir: join(root, bundles),
  ...bundleOptions,
});
await buildConsole();
await writeSbom();
