// node faults/cluster/build.mjs <folder> <edits as JSON>: bundles each service for a fault run. Bundles start quickly and contain the
// edits to single files.
/** @import { Plugin } from 'esbuild' */
/** @import { Edit } from '../edits.ts' */
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { translate } from '../../scripts/lib/translate.mjs';
import { bundleOptions } from '../../scripts/lib/bundling.mjs';
import { services } from '../../scripts/lib/services.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [, , outdir, editsAsJson] = process.argv;
if (!outdir || !editsAsJson) throw new Error('Usage: node faults/cluster/build.mjs <folder> <edits as JSON>');
/** @type {Edit[]} */
const wanted = JSON.parse(editsAsJson);
const edits = wanted.map(({ file, from, to }) => ({ file, from: new RegExp(from), to, made: false }));

/** @type {Plugin} */
const sources = {
  name: 'sources',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^#libs\// }, ({ path }) => ({ path: join(root, path.slice(1), 'src/index.ts') }));
    onResolve({ filter: /^\..*\.js$/ }, ({ path, importer }) => {
      if (!importer.endsWith('.ts')) return undefined;
      const source = join(dirname(importer), path.replace(/js$/, 'ts'));
      return existsSync(source) ? { path: source } : undefined;
    });
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({ contents: withEdits(path, translate(path)), loader: 'js' }));
  },
};

/**
 * @param {string} path
 * @param {string} code
 */
function withEdits(path, code) {
  return edits
    .filter(({ file }) => path.endsWith(file))
    .reduce((edited, edit) => {
      if (!edit.from.test(edited)) throw new Error(`${basename(path)} does not contain ${edit.from}`);
      edit.made = true;
      return edited.replace(edit.from, edit.to);
    }, code);
}

await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(services.map((name) => [name, `services/${name}/src/main.ts`])),
  outdir,
  ...bundleOptions,
  plugins: [sources],
});
const unused = edits.find(({ made }) => !made);
if (unused) throw new Error(`no service uses ${unused.file}`);
