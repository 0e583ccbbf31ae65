import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { migrate } from '#libs/database';
import {
  createServiceDatabase,
  startNats,
  startPostgres,
  type Nats,
  type NatsUser,
  type Postgres,
} from '#libs/local-servers';
import { eventually, Mailboxes, serviceKeys, TcpProxy, temporaryFolder, testRun } from '#libs/test-kit';
import pg from 'pg';
import { mailSettings, PARTS } from '../../e2e/support/foundation.js';
import { accounts, ACCOUNTS } from '../../scripts/lib/nats-accounts.mjs';
import { passwordOwner, permissions } from '../../scripts/lib/nats-users.mjs';

const PASSWORDS = { owner: 'owner-password', runtime: 'runtime-password' };
const SECRETS = {
  LEAVER_SECRET: 'a-secret-for-tests-that-is-long-enough-for-anybody',
  INTEGRATIONS_SECRET: 'another-secret-for-tests-that-is-long-enough',
  CONTACTS_SECRET: 'one-more-secret-for-tests-that-is-long-enough',
  NOTIFICATIONS_SECRET: 'a-fourth-secret-for-tests-that-is-long-enough',
};
/** The broker user of the test itself, with all permissions. */
const TESTER = 'tester';

export interface ServersOptions {
  /** Whether services connect through proxies, which can inject network faults but route all traffic through this process. */
  proxied: boolean;
}

/** A PostgreSQL with durable commits and a NATS for the run. Each service has its own proxies to them. */
export class Servers {
  private constructor(
    private readonly dir: string,
    private postgres: Postgres,
    private nats: Nats,
    private readonly users: readonly NatsUser[],
    /** The proxies of each service to its database and to the broker. Empty without `proxied`. */
    readonly proxies: ReadonlyMap<string, { database?: TcpProxy; broker: TcpProxy }>,
    /** Where all mails arrive. */
    readonly mailboxes: Mailboxes,
  ) {}

  static async start({ proxied }: ServersOptions): Promise<Servers> {
    const dir = await temporaryFolder();
    const users = brokerUsers();
    const postgres = await startPostgres({ dir: join(dir, 'postgres'), durable: true, throwaway: true });
    const nats = await startNats({
      server: testRun().natsServer,
      dir: join(dir, 'nats'),
      users,
      accounts,
      throwaway: true,
    });
    for (const { name, migrations } of PARTS) {
      const { ownerUrl } = await createServiceDatabase(postgres.adminUrl, name, { passwords: PASSWORDS });
      await migrate(ownerUrl, migrations);
    }
    const proxies = new Map<string, { database?: TcpProxy; broker: TcpProxy }>();
    if (proxied) {
      for (const { name } of PARTS)
        proxies.set(name, {
          database: await TcpProxy.before(postgres.port),
          broker: await TcpProxy.before(nats.port),
        });
      proxies.set('gateway', { broker: await TcpProxy.before(nats.port) });
    }
    return new Servers(dir, postgres, nats, users, proxies, await Mailboxes.open());
  }

  /** The environment variables of the service. */
  env(name: string): Record<string, string> {
    const { database = this.postgres, broker = this.nats } = this.proxies.get(name) ?? {};
    const { password } = this.users.find((user) => user.name === name)!;
    return {
      NATS_URL: `nats://${name}:${password}@127.0.0.1:${broker.port}`,
      ...serviceKeys(name),
      PORT: '0',
      LOG_LEVEL: process.env.FAULTS_LOG ?? 'silent',
      ...(name !== 'gateway' && {
        DATABASE_URL: `postgres://${name}:${PASSWORDS.runtime}@127.0.0.1:${database.port}/leaver_${name}`,
        ...SECRETS,
        ...mailSettings(this.mailboxes),
      }),
    };
  }

  get brokerUrl(): string {
    return `nats://${TESTER}:${TESTER}@127.0.0.1:${this.nats.port}`;
  }

  /** Queries the service's database as the superuser, without the proxy. */
  async query<R extends pg.QueryResultRow>(service: string, text: string, values: unknown[] = []): Promise<R[]> {
    const url = new URL(this.postgres.adminUrl);
    url.pathname = `/leaver_${service}`;
    const client = await eventually(
      async () => {
        const candidate = new pg.Client(url.href);
        candidate.on('error', () => undefined);
        await candidate.connect().catch(async (error: unknown) => {
          await candidate.end().catch(() => undefined);
          throw error;
        });
        return candidate;
      },
      { timeout: 20_000, interval: 100 },
    );
    try {
      return (await client.query<R>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Terminates all connections to the service's database. */
  async terminateBackends(service: string): Promise<void> {
    const others = 'datname = current_database() and pid <> pg_backend_pid()';
    await this.query(service, `select pg_terminate_backend(pid) from pg_stat_activity where ${others}`);
  }

  /** Stops PostgreSQL in immediate mode, without a checkpoint, and starts it with recovery. */
  async crashPostgres(): Promise<void> {
    const { pid, port } = this.postgres;
    process.kill(pid, 'SIGQUIT');
    await this.postgres.stop();
    this.postgres = await startPostgres({ dir: join(this.dir, 'postgres'), port, durable: true, throwaway: true });
  }

  /** Kills the broker, runs `meanwhile`, which may change its store, and starts it on the same port. */
  async crashNats(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    await this.nats.kill();
    await meanwhile();
    const { natsServer: server } = testRun();
    const { port } = this.nats;
    this.nats = await startNats({
      server,
      dir: join(this.dir, 'nats'),
      port,
      users: [...this.users],
      accounts,
      throwaway: true,
    });
  }

  async loseNatsStore(): Promise<void> {
    await this.crashNats(() => rm(this.store, { recursive: true, force: true }));
  }

  /** Copies the broker's store, as a backup for `rollBackNats`. */
  async copyNatsStore(): Promise<void> {
    await this.crashNats(async () => {
      await rm(this.copy, { recursive: true, force: true });
      await cp(this.store, this.copy, { recursive: true });
    });
  }

  async rollBackNats(): Promise<void> {
    await this.crashNats(async () => {
      await rm(this.store, { recursive: true, force: true });
      await cp(this.copy, this.store, { recursive: true });
    });
  }

  pauseNats(): void {
    process.kill(this.nats.pid, 'SIGSTOP');
  }

  resumeNats(): void {
    process.kill(this.nats.pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    for (const { database, broker } of this.proxies.values()) {
      await database?.close();
      await broker.close();
    }
    await this.mailboxes.close();
    await this.nats.stop();
    await this.postgres.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  private get store(): string {
    return join(this.dir, 'nats/store');
  }

  private get copy(): string {
    return join(this.dir, 'nats/earlier-store');
  }
}

/** The broker's users, with the permissions that `npm start` gives. */
function brokerUsers(): NatsUser[] {
  return [
    ...Object.entries(permissions).map(([name, allowed]) => ({
      name,
      password: `${passwordOwner(name)}-password`,
      ...allowed,
    })),
    { account: ACCOUNTS.streams, name: TESTER, password: TESTER, publish: ['>'], subscribe: ['>'] },
  ];
}
