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

/** As many as PostgreSQL keeps: a gigabyte of them, its `min_wal_size` here. */
const LOG_FILES = 64;
const PASSWORDS = { owner: 'owner', runtime: 'runtime' };

/** The servers of one run: PostgreSQL as `npm start` runs it, durable, and a broker. Nothing else uses them. */
export class Stage {
  private copies = 0;
  private readonly kept = new Map<string, { key: string; template: Template }>();

  private constructor(
    private readonly dir: string,
    private readonly postgres: Postgres,
    private readonly broker: Nats,
  ) {}

  static async open(): Promise<Stage> {
    // On the disk: in memory a commit would cost nothing.
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

  /** CPU seconds used so far, whoever used them: the servers, this process, and whatever else it has started. */
  async cpu(): Promise<Cpu> {
    const [all, postgres, nats] = await Promise.all(
      [process.pid, this.postgres.pid, this.broker.pid].map((pid) => cpuOf(pid)),
    );
    return { node: all! - postgres! - nats!, postgres: postgres!, nats: nats! };
  }

  /** Leaves nothing to be done later, on the disk or in memory, of which the next measure would feel. */
  async settle(): Promise<void> {
    await withClient(this.adminUrl, (client) => client.query('checkpoint'));
    collectGarbage();
  }

  /**
   * A migrated and filled database, from which each side of a measure gets a copy: the same rows in the same pages. It is
   * kept for the next measure that wants the same of this service.
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
 * A server that has been in use for a while has the files of its log and uses them again; a new one makes each of them when
 * it comes to it, and whoever commits at that moment waits for 16 MB of zeros to reach the disk.
 */
async function fillLog(client: pg.Client): Promise<void> {
  for (let file = 0; file < LOG_FILES; file++)
    await client.query(`select pg_logical_emit_message(false, 'bench', 'next file'), pg_switch_wal()`);
  await client.query('checkpoint');
}

/** Millions of rows are there sooner when their indexes are made afterwards. Keys stay: filling may look things up. */
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
  /** As the service connects. */
  url: string;
  adminUrl: string;
  drop(): Promise<void>;
}

/** Works with a connection to the broker that is closed afterwards. */
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
