// npm run demo [-- --url <address>]: somebody leaves, before one's eyes. Needs a Leaver that runs (npm start).
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { demoAccounts } from './demo/accounts.mjs';
import { HttpClient } from '../cli/http-client.mjs';
import { Story } from './demo/story.mjs';
import { bold, chapter, Checks, green, paragraph, print, red } from './demo/terminal.mjs';
import { Fault, main } from './lib/prepare.mjs';
import { runningUrl } from './lib/running.mjs';

await main(async () => {
  const url = (givenUrl() ?? (await runningUrl()))?.replace(/\/+$/, '');
  if (!url) throw new Fault('No Leaver is running here. Start one with npm start, or name its address with --url.');
  await fetch(`${url}/health/ready`).then(assertReady, () => {
    throw new Fault(`Nothing answers at ${url}.`);
  });
  const begun = performance.now();
  const checks = new Checks();
  const story = new Story(new HttpClient(url), freshCompany(), checks);
  await story.tell().catch((error) => checks.that(`The story can’t go on: ${error.message}`, false));
  return conclude(checks, (performance.now() - begun) / 1000);
});

function givenUrl() {
  try {
    return parseArgs({ options: { url: { type: 'string' } } }).values.url;
  } catch (error) {
    throw new Fault(`${error.message}. All it knows is --url <address>.`);
  }
}

function assertReady({ ok, url }) {
  if (!ok) throw new Fault(`${url} says that it is not ready yet.`);
}

/** The first of the demo accounts once more, with addresses of its own: every run begins with the same things. */
function freshCompany() {
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

function conclude({ held, failed }, seconds) {
  chapter('That was all');
  if (failed.length === 0) {
    paragraph(`All ${held} statements are true. It took ${seconds.toFixed(1)} s.`, {
      before: `  ${green('✓')} `,
      paint: bold,
    });
    print();
    return 0;
  }
  paragraph(`${failed.length} of ${held + failed.length} statements turned out wrong:`, { before: `  ${red('✗')} ` });
  for (const statement of failed) paragraph(statement, { before: '    - ' });
  print();
  return 1;
}
