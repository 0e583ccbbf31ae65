// npm run bench [-- <name> …]: runs all measurements and writes docs/PERFORMANCE.md, or prints the named ones.
import { ensureInstalled, main, run } from './lib/prepare.mjs';

await main(async () => {
  const node = await ensureInstalled();
  return run(node, ['--import', './scripts/lib/typescript-loader.mjs', 'bench/run.ts', ...process.argv.slice(2)]);
});
