// The image's entry point: runs the service or the job that the first argument names.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, UserError } from '../../scripts/lib/prepare.mjs';
import { root } from '../../scripts/lib/root.mjs';
import { bundles, services } from '../../scripts/lib/services.mjs';

const [, , name = '', argument] = process.argv;

/** @type {Map<string, () => Promise<void>>} */
const jobs = new Map(
  Object.entries({
    secrets: async () => (await import('./secrets.mjs')).writeSecrets('/secrets'),
    certificates: async () => (await import('./secrets.mjs')).writeSecrets('/secrets', renewalOf(argument)),
    databases: async () => (await import('./databases.mjs')).createDatabases(process.env),
    migrate: async () => (await import('../../scripts/migrate.mjs')).migrateFrom(process.env),
    'kubernetes-secrets': async () => (await import('./kubernetes-secrets.mjs')).printSecrets(argument),
    'kubernetes-certificates': async () => (await import('./kubernetes-certificates.mjs')).printCertificates(argument),
    demo: async () => (await import('./demo.mjs')).demo(argument),
  }),
);

/**
 * @param {string | undefined} option
 * @returns {'servers' | 'authority'} what the job `certificates` renews
 */
function renewalOf(option) {
  if (option === undefined) return 'servers';
  if (option === '--new-ca') return 'authority';
  throw new UserError('certificates takes no argument but --new-ca.');
}

/**
 * The kernel ignores signals to the first process of a container unless the process handles them, and a service does so only
 * once its code is loaded.
 */
function stopOnSignalWhileLoading() {
  let loading = true;
  process.on('SIGTERM', () => loading && process.exit(0));
  process.on('newListener', (event) => (loading &&= event !== 'SIGTERM'));
}

if (name === 'leaver') {
  // The command line expects its own words.
  process.argv.splice(2, 1);
  await import('../../cli/leaver.mjs');
} else if (services.includes(name)) {
  stopOnSignalWhileLoading();
  // Positions in the log point into the sources.
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(join(root, bundles, `${name}.js`)).href);
} else {
  await main(() => {
    const job = jobs.get(name);
    if (!job) throw new UserError(`Name what to run, one of: ${[...services, ...jobs.keys(), 'leaver'].join(', ')}.`);
    return job();
  });
}
