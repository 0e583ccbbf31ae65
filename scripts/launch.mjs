// Starts everything on this machine and stops it in order. npm start comes here once packages and dist are in place.
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  createServiceDatabase,
  findNatsServer,
  freePort,
  isPortFree,
  startNats,
  startPostgres,
} from '#libs/local-servers';
import { loadDemoAccounts } from './demo/load-accounts.mjs';
import { claim, openHome, secrets } from './lib/home.mjs';
import { permissions } from './lib/nats-users.mjs';
import { Fault } from './lib/prepare.mjs';
import { step } from './lib/progress.mjs';
import { root } from './lib/root.mjs';
import { brokerUsers, dataServices, guests, services } from './lib/services.mjs';
import { Supervised } from './lib/supervisor.mjs';
import { migrateAll } from './migrate.mjs';

const DEFAULT_PORT = 3000;
/** Where a subscriber expects NATS; another port if it is taken. */
const NATS_PORT = 4222;

/** What has to be undone at the end, the last first. */
const undo = [];
let stopping;

function stop(exitCode) {
  stopping ??= (async () => {
    if (exitCode === 0) console.log('\nStopping …');
    for (const undoOne of undo.reverse()) await undoOne().catch((error) => console.error(error.message));
    process.exit(exitCode);
  })();
  return stopping;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0));

try {
  await launch();
} catch (error) {
  if (!stopping) {
    console.error(error instanceof Fault ? `\n${error.message}` : error);
    await stop(1);
  }
}

async function launch() {
  const home = await openHome();
  const lock = await claim(home);
  undo.push(lock.release);
  const keys = await secrets(home);
  const port = await publicPort();

  const adminUrl = process.env.DATABASE_URL || (await step('PostgreSQL', () => ownPostgres(home).catch(plainly)));
  const natsUrls = await step('NATS', (say) => natsAddresses(home, keys, say).catch(plainly));
  const databases = await step('databases and roles', () => createDatabases(adminUrl, keys));
  await step('migrations', async (say) => {
    const applied = await migrateAll(
      Object.fromEntries(dataServices.map((name) => [name, databases[name].ownerUrl])),
      say,
    );
    say(applied === 0 ? 'up to date' : `${applied} applied`);
  });
  await step('services', (say) => startServices({ home, keys, port, natsUrls, databases, say }));
  const url = `http://127.0.0.1:${port}`;
  const logins = await step('demo data', (onProgress) => loadDemoAccounts({ url, onProgress }));
  await writeGuests(home, natsUrls, databases);
  await lock.announce({ url, operator: natsUrls.operator });
  showBanner({ home, port, logins, events: natsUrls.subscriber });
}

/** The port that PORT names, which must be free, else the first free one from 3000 on. */
async function publicPort() {
  const wanted = process.env.PORT;
  if (!wanted) {
    let port = DEFAULT_PORT;
    while (!(await isPortFree(port))) port += 1;
    if (port !== DEFAULT_PORT) console.log(`Port ${DEFAULT_PORT} is taken: using ${port}.`);
    return port;
  }
  const port = Number(wanted);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Fault(`PORT=${wanted} is not a port number.`);
  if (!(await isPortFree(port))) throw new Fault(`Port ${port} is taken. Choose another with PORT, or leave PORT out.`);
  return port;
}

/** What keeps a server from starting is for the user to mend: our own stack would only hide it. */
function plainly(error) {
  throw new Fault(error.message);
}

async function ownPostgres(home) {
  const postgres = await startPostgres({ dir: join(home, 'postgres'), durable: true });
  undo.push(postgres.stop);
  return postgres.adminUrl;
}

/** Each service's address of the broker, with its own name and password if the broker is ours. */
async function natsAddresses(home, keys, say) {
  const given = process.env.NATS_URL;
  if (given) return Object.fromEntries(brokerUsers.map((name) => [name, given]));
  const server = await findNatsServer(join(root, '.cache/nats'), say);
  const users = brokerUsers.map((name) => ({ name, password: keys.nats[name], ...permissions[name] }));
  const port = (await isPortFree(NATS_PORT)) ? NATS_PORT : undefined;
  const nats = await startNats({ server, dir: join(home, 'nats'), port, users });
  undo.push(nats.stop);
  say('');
  return Object.fromEntries(
    brokerUsers.map((name) => [name, `nats://${name}:${keys.nats[name]}@127.0.0.1:${nats.port}`]),
  );
}

/** What a service of another team needs to join, as a file for `node --env-file`. Its tables are its own affair. */
async function writeGuests(home, natsUrls, databases) {
  for (const name of guests) {
    const { url, ownerUrl } = databases[name];
    const lines = [`NATS_URL=${natsUrls[name]}`, `DATABASE_URL=${url}`, `OWNER_DATABASE_URL=${ownerUrl}`];
    await writeFile(join(home, `${name}.env`), `${lines.join('\n')}\n`, { mode: 0o600 });
  }
}

async function createDatabases(adminUrl, keys) {
  const created = [...dataServices, ...guests].map(async (name) => [
    name,
    await createServiceDatabase(adminUrl, name, { passwords: keys.databases[name] }),
  ]);
  return Object.fromEntries(await Promise.all(created));
}

async function startServices({ home, keys, port, natsUrls, databases, say }) {
  // The superuser's address must not reach a service.
  const { DATABASE_URL: _, ...inherited } = process.env;
  const supervised = await Promise.all(
    services.map(async (name) => {
      const isGateway = name === 'gateway';
      const env = {
        ...inherited,
        NODE_ENV: 'production',
        // What one start has compiled, the next one need not.
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(home, 'compiled'),
        // Each arena of glibc's holds on to memory of its own.
        MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
        LOG_LEVEL: process.env.LOG_LEVEL ?? 'info',
        NATS_URL: natsUrls[name],
        PORT: String(isGateway ? port : await freePort()),
        HOST: (isGateway && process.env.HOST) || '127.0.0.1',
        ...(databases[name] && { DATABASE_URL: databases[name].url }),
        ...(name === 'identity' && { LEAVER_SECRET: keys.master }),
        ...(name === 'contacts' && { CONTACTS_SECRET: keys.contacts }),
        ...(name === 'integrations' && { INTEGRATIONS_SECRET: keys.integrations }),
      };
      return new Supervised({ name, env, logs: join(home, 'logs'), say: (text) => console.log(text) });
    }),
  );
  undo.push(() => Promise.all(supervised.map((service) => service.stop())));
  const waiting = new Set(services);
  await Promise.all(
    supervised.map(async (service) => {
      await service.start();
      waiting.delete(service.name);
      say([...waiting].join(', ') && `waiting for ${[...waiting].join(', ')}`);
    }),
  );
}

function showBanner({ home, port, logins, events }) {
  const url = `http://localhost:${port}`;
  const columns = ['preset', 'account', 'email'];
  const widths = columns.map((column) => Math.max(...logins.map((login) => login[column].length)));
  const rows = logins.map(
    (login) =>
      `    ${columns.map((column, index) => login[column].padEnd(widths[index])).join('  ')}  ${login.password}`,
  );
  const lines = [
    `  Leaver is running   ${url}`,
    `  API reference       ${url}/docs`,
    `  Events (NATS)       ${events}`,
    `  State and logs      ${shortest(home)}`,
    '',
    '  Demo accounts (preset, account, email of its owner, password)',
    ...rows,
    ...tryNext(url, logins),
    '',
    '  Ctrl-C stops everything.',
  ];
  console.log(`\n${lines.join('\n')}\n`);
}

/** Lines for another terminal that work as they are printed. */
function tryNext(url, logins) {
  const { email, password, busiest } = logins.find((login) => login.busiest) ?? {};
  const demo = ['', '  Next, in another terminal: somebody leaves, from the preview to the proof', '    npm run demo'];
  if (!busiest) return demo;
  return [
    ...demo,
    '',
    `  What would happen if ${busiest.name} left today`,
    `    TOKEN=$(curl -s ${url}/v1/auth/login -H 'Content-Type: application/json' \\`,
    `      -d '${JSON.stringify({ email, password })}' | grep -o '"accessToken":"[^"]*' | cut -d '"' -f 4)`,
    `    curl -s "${url}/v1/users/${busiest.id}/departure-preview?transition=deactivated" \\`,
    '      -H "Authorization: Bearer $TOKEN"',
  ];
}

/** A path as one would type it here. */
function shortest(path) {
  const from = relative(process.cwd(), path);
  return from && !from.startsWith('..') ? from : path;
}
