// npm run bench [-- <name> …]: all measures and docs/PERFORMANCE.md, or some of them, printed only.
import { ensureInstalled, main, run } from './lib/prepare.mjs';

await main(async () => {
  const node = await ensureInstalled();
  return run(node, ['--import', './scripts/lib/typescript-loader.mjs', 'bench/run.ts', ...process.argv.slice(2)]);
});
