// What the image runs: the service or the job that its first argument names.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Fault, main } from '../../scripts/lib/prepare.mjs';
import { root } from '../../scripts/lib/root.mjs';
import { bundles, services } from '../../scripts/lib/services.mjs';

const jobs = {
  secrets: () => import('./secrets.mjs').then(({ writeSecrets }) => writeSecrets('/secrets')),
  databases: () => import('./databases.mjs').then(({ createDatabases }) => createDatabases(process.env)),
  migrate: () => import('../../scripts/migrate.mjs').then(({ migrateFrom }) => migrateFrom(process.env)),
  'kubernetes-secrets': () => import('./kubernetes-secrets.mjs').then(({ printSecrets }) => printSecrets()),
  demo: () => import('./demo.mjs').then(({ demo }) => demo(process.argv[3])),
};

/**
 * The kernel ignores signals for the first process of a container unless that process asks for them, and a service only does
 * when its code is loaded. From then on it is the service's own affair.
 */
function stoppableWhileLoading() {
  let loading = true;
  process.on('SIGTERM', () => loading && process.exit(0));
  process.on('newListener', (event) => (loading &&= event !== 'SIGTERM'));
}

const [, , name] = process.argv;
if (services.includes(name)) {
  stoppableWhileLoading();
  await import(pathToFileURL(join(root, bundles, `${name}.js`)).href);
} else {
  await main(() => {
    if (jobs[name]) return jobs[name]();
    throw new Fault(`Say what to run, one of: ${[...services, ...Object.keys(jobs)].join(', ')}.`);
  });
}
