// Starts everything on this machine and stops it in order. npm start runs it once the packages are installed and dist is built.
/** @import { ServiceDatabase } from '#libs/local-servers' */
/** @import { Secrets } from './lib/home.mjs' */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createServiceDatabase,
  findNatsServer,
  freePort,
  isPortFree,
  MailSink,
  startNats,
  startPostgres,
} from '#libs/local-servers';
import { demoLogins, loadDemoAccounts } from './demo/load-accounts.mjs';
import { showBanner } from './lib/banner.mjs';
import { reloadOnChange } from './lib/broker-configuration.mjs';
import { lockHome, openHome, publicKeysOf, readSecrets } from './lib/home.mjs';
import { accounts } from './lib/nats-accounts.mjs';
import { natsUsers } from './lib/nats-users.mjs';
import { UserError } from './lib/prepare.mjs';
import { step } from './lib/progress.mjs';
import { root } from './lib/root.mjs';
import { brokerUsers, dataServices, externalServices, services } from './lib/services.mjs';
import { moveStoredStreams } from './lib/stored-streams.mjs';
import { SupervisedService } from './lib/supervisor.mjs';
import { migrateAll } from './migrate.mjs';

/** @typedef {(text: string) => void} Report shows the current part of a step */
/** @typedef {Map<string, ServiceDatabase>} Databases by service */
/** @typedef {Map<string, string>} NatsUrls by user of the broker */

const DEFAULT_PORT = 3000;
/** The default port of NATS, where subscribers expect it; another one if it is taken. */
const NATS_PORT = 4222;

/**
 * What to stop at the end, in reverse order.
 * @type {(() => Promise<unknown>)[]}
 */
const cleanUps = [];
/** @type {Promise<void> | undefined} */
let stopping;

/** @param {number} exitCode */
function stop(exitCode) {
  stopping ??= (async () => {
    if (exitCode === 0) console.log('\nStopping …');
    for (const cleanUp of cleanUps.reverse()) await cleanUp().catch((error) => console.error(error.message));
    process.exit(exitCode);
  })();
  return stopping;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0));

try {
  await launch();
} catch (error) {
  if (!stopping) {
    console.error(error instanceof UserError ? `\n${error.message}` : error);
    await stop(1);
  }
}

async function launch() {
  const home = await openHome();
  const lock = await lockHome(home);
  cleanUps.push(lock.release);
  const secrets = await readSecrets(home);
  const port = await publicPort();

  const adminUrl = process.env.DATABASE_URL || (await step('PostgreSQL', () => ownPostgres(home).catch(withoutStack)));
  const natsUrls = await step('NATS', (report) => connectNats(home, secrets, report).catch(withoutStack));
  const databases = await step('databases and roles', () => createDatabases(adminUrl, secrets));
  await step('migrations', async (report) => {
    const ownerUrls = dataServices.map((name) => [name, present(databases, name).ownerUrl]);
    const applied = await migrateAll(Object.fromEntries(ownerUrls), report);
    report(applied === 0 ? 'up to date' : `${applied} applied`);
  });
  await step('services', (report) => startServices({ home, secrets, port, natsUrls, databases, report }));
  const url = `http://127.0.0.1:${port}`;
  const logins = await step('demo data', (onProgress) => loadDemoAccounts({ url, onProgress }));
  await writeExternalServices(home, secrets, natsUrls, databases);
  await lock.announce({ url, operator: present(natsUrls, 'operator'), operatorKey: secrets.serviceKeys.operator });
  showBanner({ home, port, logins, events: present(natsUrls, 'subscriber') });
}

/** The port in PORT, which must be free, else the first free one from 3000. */
async function publicPort() {
  const wanted = process.env.PORT;
  if (!wanted) {
    let port = DEFAULT_PORT;
    while (!(await isPortFree(port))) port += 1;
    if (port !== DEFAULT_PORT) console.log(`Port ${DEFAULT_PORT} is taken: using ${port}.`);
    return port;
  }
  const port = Number(wanted);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new UserError(`PORT=${wanted} is not a port number.`);
  if (!(await isPortFree(port)))
    throw new UserError(`Port ${port} is taken. Choose another with PORT, or leave PORT out.`);
  return port;
}

/**
 * Reports why a server did not start, without a stack trace, because the user can fix it.
 * @param {Error} error
 * @returns {never}
 */
function withoutStack(error) {
  throw new UserError(error.message);
}

/**
 * @template T
 * @param {Map<string, T>} map
 * @param {string} key
 */
function present(map, key) {
  const value = map.get(key);
  if (value === undefined) throw new Error(`${key} is missing`);
  return value;
}

/** @param {string} home */
async function ownPostgres(home) {
  const postgres = await startPostgres({ dir: join(home, 'postgres'), durable: true });
  cleanUps.push(postgres.stop);
  return postgres.adminUrl;
}

/**
 * The broker's address for each of its users, with the user's name and password if we run the broker.
 * @param {string} home
 * @param {Secrets} secrets
 * @param {Report} report
 * @returns {Promise<NatsUrls>}
 */
async function connectNats(home, secrets, report) {
  const given = process.env.NATS_URL;
  if (given) return new Map(brokerUsers.map((name) => [name, given]));
  const server = await findNatsServer(join(root, '.cache/nats'), report);
  const users = natsUsers(secrets.nats, secrets.subscribers);
  const wantedPort = (await isPortFree(NATS_PORT)) ? NATS_PORT : undefined;
  const dir = join(home, 'nats');
  await moveStoredStreams(dir);
  const { port, stop: stopNats, reload } = await startNats({ server, dir, port: wantedPort, users, accounts });
  cleanUps.push(stopNats, reloadOnChange(dir, reload));
  report('');
  return new Map(users.map(({ name, password }) => [name, `nats://${name}:${password}@127.0.0.1:${port}`]));
}

/**
 * Writes the settings that a service of another team needs to connect, as a file for `node --env-file`. It creates its own tables.
 * @param {string} home
 * @param {Secrets} secrets
 * @param {NatsUrls} natsUrls
 * @param {Databases} databases
 */
async function writeExternalServices(home, secrets, natsUrls, databases) {
  for (const name of externalServices) {
    const { url, ownerUrl } = present(databases, name);
    const lines = [
      `NATS_URL=${present(natsUrls, name)}`,
      `DATABASE_URL=${url}`,
      `OWNER_DATABASE_URL=${ownerUrl}`,
      `SERVICE_KEY=${secrets.serviceKeys[name]}`,
      // Single quotes, because the value has double ones.
      `SERVICE_PUBLIC_KEYS='${publicKeysOf(secrets)}'`,
    ];
    await writeFile(join(home, `${name}.env`), `${lines.join('\n')}\n`, { mode: 0o600 });
  }
}

/**
 * @param {string} adminUrl
 * @param {Secrets} secrets
 * @returns {Promise<Databases>}
 */
async function createDatabases(adminUrl, secrets) {
  /** @type {Databases} */
  const databases = new Map();
  await Promise.all(
    Object.entries(secrets.databases).map(async ([name, passwords]) => {
      databases.set(name, await createServiceDatabase(adminUrl, name, { passwords }));
    }),
  );
  return databases;
}

/**
 * The settings for sending mail. Without SMTP_URL, mails go to files in the folder `mails`, and nowhere else.
 * @param {{ home: string, secrets: Secrets, port: number }} options
 */
async function mailSettingsOf({ home, secrets, port }) {
  const settings = {
    NOTIFICATIONS_SECRET: secrets.notifications,
    PUBLIC_URL: process.env.PUBLIC_URL || `http://127.0.0.1:${port}`,
  };
  if (process.env.SMTP_URL) return settings;
  const folder = join(home, 'mails');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let count = 0;
  const sink = await MailSink.start({
    onMail: ({ source }) => {
      const name = `${new Date().toISOString().replaceAll(':', '-')}-${++count}.eml`;
      writeFile(join(folder, name), source, { mode: 0o600 }).catch((error) => console.error(error.message));
    },
  });
  cleanUps.push(() => sink.stop());
  return { ...settings, SMTP_URL: sink.url, SMTP_TLS: 'optional', MAIL_FROM: 'Leaver <no-reply@leaver.localhost>' };
}

/**
 * @param {object} options
 * @param {string} options.home
 * @param {Secrets} options.secrets
 * @param {number} options.port
 * @param {NatsUrls} options.natsUrls
 * @param {Databases} options.databases
 * @param {Report} options.report
 */
async function startServices({ home, secrets, port, natsUrls, databases, report }) {
  const mailSettings = await mailSettingsOf({ home, secrets, port });
  // A service must not get the superuser's URL.
  const { DATABASE_URL: _, ...inherited } = process.env;
  const supervised = await Promise.all(
    services.map(async (name) => {
      const isGateway = name === 'gateway';
      const env = {
        ...inherited,
        NODE_ENV: 'production',
        // The next start reuses what this one compiles.
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(home, 'compiled'),
        // Each arena of glibc reserves memory.
        MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
        LOG_LEVEL: process.env.LOG_LEVEL ?? 'info',
        NATS_URL: present(natsUrls, name),
        SERVICE_KEY: secrets.serviceKeys[name],
        SERVICE_PUBLIC_KEYS: publicKeysOf(secrets),
        PORT: String(isGateway ? port : await freePort()),
        HOST: (isGateway && process.env.HOST) || '127.0.0.1',
        // The gateway refuses it where other machines can reach it.
        ...(isGateway &&
          !process.env.HOST &&
          !process.env.PUBLIC_URL && { DEMO_ACCOUNTS: JSON.stringify(demoLogins()) }),
        // All services share this machine's ports, so only the gateway can have this one.
        ...(!isGateway && { METRICS_PORT: '' }),
        ...(!isGateway && { DATABASE_URL: present(databases, name).url }),
        ...(name === 'identity' && {
          LEAVER_SECRET: secrets.master,
          INVITATION_TOKENS: process.env.INVITATION_TOKENS || 'answer',
        }),
        ...(name === 'contacts' && { CONTACTS_SECRET: secrets.contacts }),
        ...(name === 'integrations' && { INTEGRATIONS_SECRET: secrets.integrations }),
        ...(name === 'notifications' && mailSettings),
      };
      return new SupervisedService({ name, env, logs: join(home, 'logs'), report: (text) => console.log(text) });
    }),
  );
  cleanUps.push(() => Promise.all(supervised.map((service) => service.stop())));
  const waiting = new Set(services);
  await Promise.all(
    supervised.map(async (service) => {
      await service.start();
      waiting.delete(service.name);
      report([...waiting].join(', ') && `waiting for ${[...waiting].join(', ')}`);
    }),
  );
}
