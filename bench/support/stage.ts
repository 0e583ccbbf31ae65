import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { closeNats, connectNats } from '#libs/broker';
import { migrate, type Migrations } from '#libs/database';
import {
  createServiceDatabase,
  findNatsServer,
  startNats,
  startPostgres,
  withClient,
  type Nats,
  type Postgres,
} from '#libs/local-servers';
import type { NatsConnection } from '@nats-io/transport-node';
import { cpuOf, type Cpu } from './cpu.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** As many 16 MB files as PostgreSQL keeps: one gigabyte, its `min_wal_size` here. */
const LOG_FILES = 64;
const PASSWORDS = { owner: 'owner', runtime: 'runtime' };

/** The servers of one run: a durable PostgreSQL, configured as `npm start` does, and a broker. */
export class Stage {
  private copies = 0;
  private readonly kept = new Map<string, { key: string; template: Template }>();

  private constructor(
    private readonly dir: string,
    private readonly postgres: Postgres,
    private readonly broker: Nats,
  ) {}

  static async open(): Promise<Stage> {
    // On disk, because a commit to memory would cost nothing.
    const dir = await mkdtemp(join(tmpdir(), 'leaver-bench-'));
    await chmod(dir, 0o711);
    const server = await findNatsServer('.cache/nats');
    const postgres = await startPostgres({ dir: join(dir, 'postgres'), durable: true, throwaway: true });
    const broker = await startNats({ server, dir: join(dir, 'nats'), throwaway: true });
    await withClient(postgres.adminUrl, fillLog);
    return new Stage(dir, postgres, broker);
  }

  async close(): Promise<void> {
    await this.broker.stop();
    await this.postgres.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  get adminUrl(): string {
    return this.postgres.adminUrl;
  }

  get natsUrl(): string {
    return this.broker.url;
  }

  nats(): Promise<NatsConnection> {
    return connectNats({ url: this.broker.url, name: 'bench' });
  }

  /** CPU seconds used so far by the servers, this process and its other child processes. */
  async cpu(): Promise<Cpu> {
    const [all, postgres, nats] = await Promise.all(
      [process.pid, this.postgres.pid, this.broker.pid].map((pid) => cpuOf(pid)),
    );
    return { node: all! - postgres! - nats!, postgres: postgres!, nats: nats! };
  }

  /** Finishes deferred work (checkpoint, garbage collection) that would affect the next measure. */
  async settle(): Promise<void> {
    await withClient(this.adminUrl, (client) => client.query('checkpoint'));
    collectGarbage();
  }

  /**
   * A migrated and filled database. Each side of a measure gets a copy with the same rows in the same pages. Kept for the next
   * measure that needs the same content.
   * @param fill SQL, run by the superuser
   */
  async template(
    service: string,
    migrations: Migrations,
    fill: readonly (string | pg.QueryConfig)[],
  ): Promise<Template> {
    const key = JSON.stringify([migrations.map((one) => one.name), fill]);
    const kept = this.kept.get(service);
    if (kept?.key === key) return kept.template;
    const template = await this.build(service, migrations, fill);
    this.kept.set(service, { key, template });
    return template;
  }

  private async build(
    service: string,
    migrations: Migrations,
    fill: readonly (string | pg.QueryConfig)[],
  ): Promise<Template> {
    await withClient(this.adminUrl, (client) => client.query(`drop database if exists leaver_${service} with (force)`));
    const { ownerUrl, url } = await createServiceDatabase(this.adminUrl, service, { passwords: PASSWORDS });
    await migrate(ownerUrl, migrations);
    const name = new URL(url).pathname.slice(1);
    await withClient(onDatabase(this.adminUrl, name), async (client) => {
      await withoutIndexes(client, async () => {
        for (const statement of fill) await client.query(statement as string);
      });
      await client.query('vacuum analyze');
    });
    return new Template(this.adminUrl, name, url, () => `${name}_${++this.copies}`);
  }
}

/**
 * Creates the WAL files in advance. A server that has run for a while recycles them; a new one creates each when it needs it,
 * and the commit at that moment waits until 16 MB of zeros are on disk.
 */
async function fillLog(client: pg.Client): Promise<void> {
  for (let file = 0; file < LOG_FILES; file++)
    await client.query(`select pg_logical_emit_message(false, 'bench', 'next file'), pg_switch_wal()`);
  await client.query('checkpoint');
}

/** Fills tables without their indexes and creates them afterwards, which is faster. Keys stay, because filling may use them. */
export async function withoutIndexes(client: pg.Client, fill: () => Promise<unknown>): Promise<void> {
  const { rows } = await client.query<{ name: string; definition: string }>(`
    select i.indexrelid::regclass as name, pg_get_indexdef(i.indexrelid) as definition
    from pg_index i join pg_class c on c.oid = i.indrelid
    where c.relnamespace = 'public'::regnamespace and not i.indisunique`);
  await client.query(`set maintenance_work_mem = '256MB'`);
  for (const { name } of rows) await client.query(`drop index ${name}`);
  await fill();
  for (const { definition } of rows) await client.query(definition);
}

export class Template {
  constructor(
    private readonly adminUrl: string,
    private readonly name: string,
    private readonly url: string,
    private readonly nextName: () => string,
  ) {}

  async copy(): Promise<Copy> {
    const name = this.nextName();
    await withClient(this.adminUrl, async (client) => {
      await client.query(`create database ${name} template ${this.name} strategy file_copy`);
      await client.query('checkpoint');
    });
    return {
      url: onDatabase(this.url, name),
      adminUrl: onDatabase(this.adminUrl, name),
      drop: () =>
        withClient(this.adminUrl, async (client) => void (await client.query(`drop database ${name} with (force)`))),
    };
  }
}

export interface Copy {
  /** The connection URL of the service's user. */
  url: string;
  adminUrl: string;
  drop(): Promise<void>;
}

/** Runs work with a connection to the broker and closes it afterwards. */
export async function withNats<T>(stage: Stage, work: (nats: NatsConnection) => Promise<T>): Promise<T> {
  const nats = await stage.nats();
  try {
    return await work(nats);
  } finally {
    await closeNats(nats);
  }
}

function onDatabase(url: string, name: string): string {
  const address = new URL(url);
  address.pathname = `/${name}`;
  return address.href;
}
