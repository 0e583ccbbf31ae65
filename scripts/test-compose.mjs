// npm run test:compose: builds the image, starts docker-compose.yml and tests it from outside. Needs a Docker engine.
import { spawnSync } from 'node:child_process';
import { ensureInstalled, UserError, main, run } from './lib/prepare.mjs';

await main(async () => {
  if (spawnSync('docker', ['compose', 'version']).status !== 0)
    throw new UserError('Docker with its compose plugin is needed.');
  if (spawnSync('docker', ['info']).status !== 0) throw new UserError('No Docker engine answers.');
  const node = await ensureInstalled();
  return run(node, [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--config=e2e/deploy/jest.config.js',
    ...process.argv.slice(2),
  ]);
});
