// node faults/build.mjs <folder> <edits as JSON>: joins each service with what it uses, as a process of a fault run wants
// it: quick to start, with a clock that its parent can set, and with edits made to single files on the way.
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { translate } from '../scripts/lib/translate.mjs';
import { joined } from '../scripts/lib/bundling.mjs';
import { services } from '../scripts/lib/services.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [, , outdir, text] = process.argv;
const edits = JSON.parse(text).map(({ file, from, to }) => ({ file, from: new RegExp(from), to, made: false }));

const sources = {
  name: 'sources',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^#libs\// }, ({ path }) => ({ path: join(root, path.slice(1), 'src/index.ts') }));
    onResolve({ filter: /^\..*\.js$/ }, ({ path, importer }) => {
      if (!importer.endsWith('.ts')) return undefined;
      const source = join(dirname(importer), path.replace(/js$/, 'ts'));
      return existsSync(source) ? { path: source } : undefined;
    });
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({ contents: edited(path, translate(path)), loader: 'js' }));
  },
};

function edited(path, code) {
  return edits
    .filter(({ file }) => path.endsWith(file))
    .reduce((done, edit) => {
      if (!edit.from.test(done)) throw new Error(`${basename(path)} does not contain ${edit.from}`);
      edit.made = true;
      return done.replace(edit.from, edit.to);
    }, code);
}

await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(services.map((name) => [name, `services/${name}/src/main.ts`])),
  outdir,
  ...joined,
  plugins: [sources],
});
const forgotten = edits.find(({ made }) => !made);
if (forgotten) throw new Error(`nobody uses ${forgotten.file}`);
