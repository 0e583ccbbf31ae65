import { defineEntity, EntityManager, p } from '@mikro-orm/postgresql';
import { Module, type Type } from '@nestjs/common';
import { fingerprint, migrate, migration, tenantRow, userRef } from '#libs/database';
import {
  block,
  can,
  deleteRows,
  EventProcessor,
  keep,
  LifecycleModule,
  owned,
  rule,
  serviceTables,
  transfer,
  unassign,
} from '#libs/lifecycle';
import { platformMigrations, startService, type RunningService } from '#libs/platform';
import { serviceKeys, testDatabase, type TestDatabase } from '#libs/test-kit';
import { sql } from 'kysely';
import { Client } from 'pg';
import type { TestIdentity } from './identity.js';

const Thing = defineEntity({
  name: 'Thing',
  tableName: 'thing',
  properties: { ...tenantRow(), owner: userRef().nullable(), kind: p.text() },
});

const migrations = [
  ...serviceTables,
  ...platformMigrations,
  migration(
    '0100-thing',
    // The check makes the rule for `stuck` rows fail.
    `create table thing (id uuid primary key, account_id uuid not null, owner user_ref, kind text not null,
      check (kind <> 'stuck' or owner is not null))`,
    'create index thing_owner on thing (owner, id)',
  ),
];

/** Rows to insert for an owner. */
export interface Given {
  accountId: string;
  owner: string;
  kind: string;
  count: number;
}

/** Another service for identity's tests: real rules and rows on the real engine. */
export class Peer {
  private constructor(
    private readonly identity: TestIdentity,
    readonly name: string,
    private readonly module: Type,
    private readonly database: TestDatabase,
    private running: RunningService | undefined,
  ) {}

  /**
   * Starts the service, which declares its rules to identity.
   * @param before rows to insert before it starts
   */
  static async start(identity: TestIdentity, name: string, before: readonly Given[] = []): Promise<Peer> {
    const database = await testDatabase({
      name,
      migrate: async (ownerUrl) => void (await migrate(ownerUrl, migrations)),
      fingerprint: fingerprint(migrations),
    });
    await insertBefore(database.url, before);
    const peer = new Peer(identity, name, moduleOf(name), database, undefined);
    await peer.start();
    return peer;
  }

  async start(): Promise<void> {
    const { clock, broker } = this.identity;
    const env = {
      DATABASE_URL: this.database.url,
      NATS_URL: broker.url,
      LOG_LEVEL: 'silent',
      ...serviceKeys(this.name),
    };
    this.running = await startService({ name: this.name, module: this.module, env, clock });
  }

  /** Stops the service; its database stays. */
  async pause(): Promise<void> {
    await this.running?.close();
    this.running = undefined;
  }

  async stop(): Promise<void> {
    await this.pause();
    await this.database.drop();
  }

  get<T>(type: Type<T>): T {
    return this.running!.app.get(type, { strict: false });
  }

  async give(accountId: string, owner: string, kind: string, count = 1): Promise<void> {
    await sql`
      insert into thing (id, account_id, owner, kind) select gen_random_uuid(), ${accountId}, ${owner}, ${kind}
      from generate_series(1, ${count})`.execute(this.db);
  }

  async query<T>(statement: ReturnType<typeof sql<T>>): Promise<T[]> {
    return (await statement.execute(this.db)).rows;
  }

  /** The number of rows of this kind that the owner has. */
  async owned(owner: string, kind: string): Promise<number> {
    return (await this.query(sql`select from thing where owner = ${owner} and kind = ${kind}`)).length;
  }

  get processor(): EventProcessor {
    return this.get(EventProcessor);
  }

  private get db() {
    return this.get(EntityManager).fork().getKysely();
  }
}

async function insertBefore(url: string, given: readonly Given[]): Promise<void> {
  const client = new Client(url);
  await client.connect();
  for (const { accountId, owner, kind, count } of given) {
    await client.query(
      `insert into thing (id, account_id, owner, kind) select gen_random_uuid(), $1, $2, $3 from generate_series(1, $4::int)`,
      [accountId, owner, kind, count],
    );
  }
  await client.end();
}

function moduleOf(service: string): Type {
  @Module({
    imports: [
      LifecycleModule.forService({
        service,
        consumer: `${service}-users`,
        entities: [Thing],
        rules: [
          rule(`${service}.records`, 'Records', {
            rows: owned(Thing, 'owner', { kind: 'record' }),
            deactivated: can(keep, transfer, unassign, deleteRows),
            deleted: can(unassign, keep, transfer, deleteRows),
          }),
          rule(`${service}.calls`, 'Calls', {
            rows: owned(Thing, 'owner', { kind: ['call', 'stuck'] }),
            deactivated: can(unassign, keep, transfer),
            explain: () => 'Calls ring nowhere.',
            warning: true,
          }),
          rule(`${service}.numbers`, 'Numbers', {
            rows: owned(Thing, 'owner', { kind: 'number' }),
            deleted: can(keep, block, transfer),
            presets: { calls: { deleted: block } },
            listed: true,
          }),
        ],
      }),
    ],
  })
  class PeerModule {}
  return PeerModule;
}
