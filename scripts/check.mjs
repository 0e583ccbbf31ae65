// npm run check -- <service>: what a new rule, table or resource of that service has to pass. Writes docs/rules.md and formats first.
import './lib/recent-node.mjs';
import { argv, env, execPath } from 'node:process';
import { ensureInstalled, main, run, UserError } from './lib/prepare.mjs';
import { dataServices } from './lib/services.mjs';

/** Tests outside of the service that look at every rule, table and operation. */
const EVERYWHERE = [
  'libs/contracts',
  'services/gateway/src/openapi',
  'e2e/catalogue',
  'e2e/descriptions',
  'e2e/no-trace',
  'e2e/readme',
  'e2e/registries',
  'e2e/security',
  'e2e/upgrade',
];

/**
 * @param {string} script of package.json
 * @param {string[]} more its arguments
 * @returns the exit code
 */
function npmRun(script, ...more) {
  const npm = env.npm_execpath;
  const args = ['run', '--silent', script, '--', ...more];
  return npm ? run(execPath, [npm, ...args]) : run('npm', args);
}

await main(async () => {
  const [service, ...others] = argv.slice(2);
  if (!service || !dataServices.includes(service) || others.length > 0)
    throw new UserError(`Usage: npm run check -- <service>, one of ${dataServices.join(', ')}`);
  const node = await ensureInstalled();
  /** @type {[name: string, work: () => Promise<number>][]} */
  const parts = [
    ['docs/rules.md', () => run(node, ['scripts/rules-doc.mjs'])],
    ['format', () => npmRun('format')],
    ['typecheck', () => npmRun('typecheck')],
    ['lint', () => npmRun('lint')],
    ['tests', () => npmRun('test', `services/${service}/`, ...EVERYWHERE)],
  ];
  // Each part runs even if an earlier one fails: one run shows all that is wrong.
  const failed = [];
  for (const [name, work] of parts) {
    console.log(`\n— ${name}`);
    if ((await work()) !== 0) failed.push(name);
  }
  console.log(failed.length === 0 ? '\nEverything has passed.' : `\nFailed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
});
