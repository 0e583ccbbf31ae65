// npm run demo [-- --url <address>]: shows how a user leaves. Needs a running Leaver (npm start).
import './lib/recent-node.mjs';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { HttpClient } from '../cli/http-client.mjs';
import { demoAccounts } from './demo/accounts.mjs';
import { tellStory } from './demo/story.mjs';
import { bold, chapter, Checks, green, paragraph, print, red } from './demo/terminal.mjs';
import { main, UserError } from './lib/prepare.mjs';
import { runningUrl } from './lib/running.mjs';

// A reader that stops early, such as head, ends the demo.
process.stdout.on('error', (error) => {
  if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error;
  process.exit();
});

await main(async () => {
  const url = (urlOption() ?? (await runningUrl()))?.replace(/\/+$/, '');
  if (!url) throw new UserError('No Leaver is running here. Start one with npm start, or name its address with --url.');
  await fetch(`${url}/health/ready`).then(assertReady, () => {
    throw new UserError(`Nothing answers at ${url}.`);
  });
  const begun = performance.now();
  const checks = new Checks();
  await tellStory(new HttpClient(url), newCompany(), checks).catch((error) =>
    checks.that(`The demo cannot continue: ${error.message}`, false),
  );
  return conclude(checks, (performance.now() - begun) / 1000);
});

function urlOption() {
  try {
    return parseArgs({ options: { url: { type: 'string' } } }).values.url;
  } catch (error) {
    throw new UserError(`${/** @type {Error} */ (error).message}. The only option is --url <address>.`);
  }
}

/** @param {Response} response */
function assertReady({ ok, url }) {
  if (!ok) throw new UserError(`${url} is not ready yet.`);
}

/** The first of the demo accounts with a domain of its own: every run starts with the same data. */
function newCompany() {
  const [company] = demoAccounts;
  const run = randomInt(36 ** 5)
    .toString(36)
    .padStart(5, '0');
  return {
    ...company,
    name: `Demo ${run}: ${company.name}`,
    domain: `${run}.${company.domain}`,
    areaCode: String(randomInt(201, 990)),
  };
}

/**
 * @param {Checks} checks
 * @param {number} seconds
 */
function conclude({ passed, failed }, seconds) {
  chapter('Result');
  if (failed.length === 0) {
    paragraph(`All ${passed} checks passed in ${seconds.toFixed(1)} s.`, { before: `  ${green('✓')} `, paint: bold });
    print();
    return 0;
  }
  paragraph(`${failed.length} of ${passed + failed.length} checks failed:`, { before: `  ${red('✗')} ` });
  for (const statement of failed) paragraph(statement, { before: '    - ' });
  print();
  return 1;
}
