// npm test [-- <path> …]: runs all tests, or those whose path matches. LEAVER_TEST_REPORT names a file for the result as JSON.
import { ensureInstalled, main, run } from './lib/prepare.mjs';

await main(async () => {
  const node = await ensureInstalled();
  const report = process.env.LEAVER_TEST_REPORT;
  return run(node, [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...(report ? ['--json', `--outputFile=${report}`] : []),
    ...process.argv.slice(2),
  ]);
});
