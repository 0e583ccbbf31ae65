import { ChildProcess, execFile, spawn, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.js';
import { end, endLeftover, guard, hasEnded } from './process-guard.js';
import { NatsServer } from './nats-server.js';
import { freePort } from './ports.js';
import { natsTls, writeNatsTls, type ServerTls } from './server-tls.js';

/** A user with the subjects that it may use; all others are refused. */
export interface NatsUser {
  name: string;
  password: string;
  publish: string[];
  subscribe: string[];
  /** Whether it may answer a request on the request's reply subject, once and within a minute. Default: false. */
  answers?: boolean;
  /** One of the `accounts`. */
  account?: string;
}

/** What each account shares with others, in nats-server's own format. */
export type NatsAccounts = Readonly<Record<string, object>>;

export interface NatsOptions {
  server: NatsServer;
  /** The folder for data, configuration and log. */
  dir: string;
  port?: number;
  /** If absent, every client on this machine has full access. For tests. */
  users?: NatsUser[];
  /** The accounts of the users. If absent, there is one account with JetStream. */
  accounts?: NatsAccounts;
  /** If absent, connections are not encrypted. */
  tls?: ServerTls;
  /** Removes `dir` if this process dies without calling stop(). */
  throwaway?: boolean;
}

export interface Nats {
  url: string;
  port: number;
  pid: number;
  stop(): Promise<void>;
  /** Makes the server read its configuration file again. Connections of users that are gone end; the others go on. */
  reload(): Promise<void>;
  /** Kills the server, as in a crash: nothing is flushed. */
  kill(): Promise<void>;
}

const MAX_PAYLOAD = 8 * 1024 * 1024;

/**
 * Starts nats-server with JetStream on 127.0.0.1 and waits until it responds. Existing data in `dir` is used.
 * @throws Error with the last lines of the server's log if it does not start
 */
export async function startNats(options: NatsOptions): Promise<Nats> {
  const { server, dir, port, users, accounts, tls, throwaway = false } = options;
  const folder = resolve(dir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const listenOn = port ?? (await freePort());
  const inContainer = 'image' in server;
  const seen = inContainer ? '/leaver-nats' : folder;
  const config = natsConfiguration({
    host: inContainer ? '0.0.0.0' : '127.0.0.1',
    port: listenOn,
    store: join(seen, 'store'),
    users,
    accounts,
    pid_file: join(seen, 'nats.pid'),
    ...(tls && natsTls(seen)),
  });
  if (tls) await writeNatsTls(folder, tls);
  await writeFile(join(folder, 'nats.conf'), config, { mode: 0o600 });
  await endEarlierRun(folder, inContainer);
  const container = `leaver-nats-${listenOn}`;
  const [program, args] = inContainer
    ? ['docker', containerArguments({ name: container, image: server.image, folder, seen, port: listenOn })]
    : [server.program, ['-c', join(folder, 'nats.conf')]];
  const child = await spawnLogged(program, args, join(folder, 'nats.log'));
  guard(child, 'TERM', throwaway ? folder : '');
  await untilItAnswers(child, listenOn, join(folder, 'nats.log'));
  return {
    url: `${tls ? 'tls' : 'nats'}://127.0.0.1:${listenOn}`,
    port: listenOn,
    pid: child.pid ?? 0,
    stop: () => end(child, 'SIGTERM', 10_000),
    reload: async () => {
      if (inContainer) await promisify(execFile)('docker', ['kill', '--signal', 'HUP', container]);
      else child.kill('SIGHUP');
    },
    kill: async () => {
      if (inContainer) await promisify(execFile)('docker', ['kill', container]).catch(() => undefined);
      await end(child, 'SIGKILL', 10_000);
    },
  };
}

export interface NatsSettings {
  host: string;
  port: number;
  /** The folder for JetStream's data. */
  store: string;
  users?: NatsUser[];
  accounts?: NatsAccounts;
  /** Further options under nats-server's own names. */
  [more: string]: unknown;
}

/** Builds a configuration file for nats-server, whose syntax includes JSON. */
export function natsConfiguration({ host, port, store, users, accounts, ...more }: NatsSettings): string {
  return JSON.stringify(
    {
      host,
      port,
      max_payload: MAX_PAYLOAD,
      jetstream: { store_dir: store },
      ...(users && natsAuthorization(users, accounts)),
      ...more,
    },
    null,
    2,
  );
}

/** The part of the configuration with users and permissions. */
export function natsAuthorization(users: readonly NatsUser[], accounts?: NatsAccounts): object {
  if (!accounts) return { authorization: { users: users.map(toUserEntry) } };
  const withUsers = ([name, shared]: [string, object]) => [
    name,
    { ...shared, users: users.filter(({ account }) => account === name).map(toUserEntry) },
  ];
  return { accounts: Object.fromEntries(Object.entries(accounts).map(withUsers)) };
}

function toUserEntry({ name, password, publish, subscribe, answers = false }: NatsUser) {
  const permissions = {
    publish: { allow: publish },
    subscribe: { allow: subscribe },
    ...(answers && { allow_responses: { max: 1, expires: '1m' } }),
  };
  return { user: name, password, permissions };
}

interface Container {
  name: string;
  image: string;
  folder: string;
  seen: string;
  port: number;
}

function containerArguments({ name, image, folder, seen, port }: Container): string[] {
  const user = process.getuid && process.getgid ? ['--user', `${process.getuid()}:${process.getgid()}`] : [];
  const published = ['--publish', `127.0.0.1:${port}:${port}`, '--volume', `${folder}:${seen}`];
  return ['run', '--rm', '--name', name, ...user, ...published, image, '-c', `${seen}/nats.conf`];
}

async function endEarlierRun(folder: string, inContainer: boolean): Promise<void> {
  const pid = Number(await readFile(join(folder, 'nats.pid'), 'utf8').catch(() => ''));
  if (pid && !inContainer) await endLeftover(pid, join(basename(folder), 'nats.conf'), 'SIGTERM');
}

async function spawnLogged(program: string, args: string[], log: string): Promise<ChildProcess> {
  const output = await open(log, 'a', 0o600);
  try {
    // In a separate session, so that Ctrl-C reaches only this process, which stops the services before the broker.
    const stdio: StdioOptions = ['ignore', output.fd, output.fd];
    const child = spawn(program, args, { cwd: '/', stdio, detached: true });
    await once(child, 'spawn');
    child.unref();
    return child;
  } finally {
    await output.close();
  }
}

async function untilItAnswers(child: ChildProcess, port: number, log: string): Promise<void> {
  let problem: unknown;
  await eventually(async () => hasEnded(child) || (await greets(port)), { timeout: 30_000 }).catch(
    (e) => (problem = e),
  );
  if (!problem && !hasEnded(child)) return;
  await end(child, 'SIGKILL', 5_000);
  const said = await readFile(log, 'utf8').catch(() => '(no log)');
  throw new Error(`nats-server did not start: ${said.trim().split('\n').slice(-8).join('\n')}`, { cause: problem });
}

/**
 * A nats-server greets each connection with INFO. An open port is not enough, because Docker accepts connections before
 * the server listens.
 */
function greets(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(2_000, () => socket.destroy());
    socket.once('data', (data) => {
      done(data.toString().startsWith('INFO'));
      socket.destroy();
    });
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}
