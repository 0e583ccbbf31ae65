import { MikroORM, type MigrationObject } from '@mikro-orm/postgresql';
import { Migration, Migrator } from '@mikro-orm/migrations';
import { encryption } from './connection/orm-options.js';
import { exclusively, secureRows } from './scope/row-security.js';

export type Migrations = MigrationObject[];

/** Creates a migration from SQL statements. Migrations only go forward: a mistake is corrected by the next one. */
export function migration(name: string, ...statements: string[]): MigrationObject {
  class SqlMigration extends Migration {
    override up(): void {
      // A schema change must not block live traffic while it waits for a lock: it fails after five seconds and can be
      // run again.
      this.addSql(`set local lock_timeout = '5s'`);
      for (const statement of statements) this.addSql(statement);
    }
  }
  return { name, class: SqlMigration };
}

/**
 * Brings a database up to date, with the owner's role, and gives every table the policies that keep accounts apart. Safe to
 * run repeatedly and concurrently.
 * @returns the number of migrations that were applied
 */
export async function migrate(ownerUrl: string, migrations: Migrations): Promise<number> {
  const applied = await applyMigrations(ownerUrl, migrations);
  await exclusively(ownerUrl, secureRows);
  return applied;
}

async function applyMigrations(ownerUrl: string, migrations: Migrations): Promise<number> {
  const orm = await MikroORM.init({
    clientUrl: ownerUrl,
    entities: [],
    extensions: [Migrator],
    discovery: { warnWhenNoEntities: false },
    migrations: {
      migrationsList: migrations,
      snapshot: false,
      tableName: 'migration',
      transactional: true,
      allOrNothing: false,
    },
    logger: () => undefined,
    pool: { min: 0, max: 2 },
    // A migration takes as long as it takes, also for a role or a database with limits of its own.
    driverOptions: {
      keepAlive: true,
      options: '-c statement_timeout=0 -c idle_in_transaction_session_timeout=0',
      ...encryption(ownerUrl),
    },
  });
  try {
    return (await orm.migrator.up()).length;
  } finally {
    await orm.close(true);
  }
}

/** The statements of all migrations as text: equal fingerprints mean equal tables. */
export const fingerprint = (migrations: Migrations): string =>
  migrations.map((one) => `${one.name} ${JSON.stringify(statementsOf(one))}`).join('\n');

function statementsOf({ class: type }: MigrationObject): unknown[] {
  const statements: unknown[] = [];
  const migration = Object.create((type as { prototype: object }).prototype) as {
    addSql: (sql: unknown) => void;
    up: () => unknown;
  };
  migration.addSql = (statement) => statements.push(statement);
  void migration.up();
  return statements;
}

/**
 * The two types that mark columns with references to users and with personal data. The first migration of every
 * database.
 */
export const domainTypes = migration(
  '0001-domain-types',
  'create domain user_ref as uuid',
  'create domain personal as text',
);
