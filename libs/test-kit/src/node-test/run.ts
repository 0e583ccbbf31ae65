#!/usr/bin/env node
// leaver-test [file …]: runs Node's test runner on a PostgreSQL and a nats-server that are started for this run and
// removed afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startRunServers } from '../run-servers.js';

/** The oldest Node version that runs TypeScript directly. */
const OLDEST_NODE = [22, 18] as const;
const SPECS = '**/*.spec.{ts,mts,js,mjs}';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  process.stderr.write(
    `This is Node ${process.versions.node}, but the tests need ${OLDEST_NODE.join('.')} or newer. For most systems the package ` +
      'includes one, which npm scripts and npx use: run the tests with `npm test`.\n',
  );
  process.exit(1);
}

const stop = await startRunServers(join(process.cwd(), 'node_modules/.cache/leaver'));
try {
  process.exitCode = await runSpecs(process.argv.slice(2));
} finally {
  await stop();
}

/** @returns the exit code of the test runner */
async function runSpecs(files: readonly string[]): Promise<number> {
  const globals = new URL('./globals.js', import.meta.url).href;
  const args = ['--disable-warning=ExperimentalWarning', '--import', globals, '--test', '--test-reporter=spec'];
  const runner = spawn(process.execPath, [...args, ...(files.length > 0 ? files : [SPECS])], { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals) => void runner.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, forward);
  const [code] = (await once(runner, 'close')) as [number | null];
  return code ?? 1;
}
