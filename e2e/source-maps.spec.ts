import { build } from 'esbuild';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleOptions } from '../scripts/lib/bundling.mjs';
import { compile } from '../scripts/lib/compile.mjs';
import { NODE_OPTIONS } from '../scripts/lib/supervisor.mjs';

const SOURCE = `/** Has types that the compiled code does not have. */
interface Order {
  total: number;
}

const ask = async (): Promise<Order> => {
  throw new Error('no answer');
};

await ask().catch((error: Error) => console.log(error.stack));
`;

it('positions in the stack of a bundled service point into its sources', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'leaver-maps-'));
  try {
    await writeFile(join(folder, 'order.ts'), SOURCE);
    await compile(join(folder, 'order.ts'), join(folder, 'dist/order.js'));
    const outdir = join(folder, 'dist/run');
    // A temporary folder has no packages.
    const banner = { js: '' };
    await build({ ...bundleOptions, banner, absWorkingDir: folder, entryPoints: ['dist/order.js'], outdir });
    const { stdout } = await promisify(execFile)(process.execPath, [...NODE_OPTIONS, join(outdir, 'order.js')]);
    expect(stdout).toMatch(/at ask \(.*\/order\.ts:7:9\)/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
