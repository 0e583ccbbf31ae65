import { createHash, createHmac, randomBytes } from 'node:crypto';
import pg from 'pg';
import {
  assumingCalls,
  callsOf,
  createDatabase,
  databaseUrls,
  restrictEntry,
  RolePasswords,
  ServiceDatabase,
  withClient,
} from '#libs/local-servers';
import { testRun } from './test-run.js';

export interface TestDatabaseOptions {
  /** The service whose roles are used, e.g. `messaging`. */
  name: string;
  /** Creates the tables. Called once per run and fingerprint; must leave no connection open. */
  migrate: (ownerUrl: string) => Promise<void>;
  /** Identifies the tables that `migrate` creates: each fingerprint has its own template. */
  fingerprint: string;
}

export interface TestDatabase extends ServiceDatabase {
  /** URL of this database with the superuser. */
  adminUrl: string;
  drop(): Promise<void>;
}

/** Creates a migrated database for the caller, with the same roles and grants as in production. */
export async function testDatabase({ name, migrate, fingerprint }: TestDatabaseOptions): Promise<TestDatabase> {
  const { adminUrl } = testRun();
  const digest = createHash('sha256').update(fingerprint).digest('hex').slice(0, 12);
  const template = `template_${name}_${digest}`;
  const database = `test_${name}_${randomBytes(6).toString('hex')}`;
  const passwords = testPasswords(adminUrl, name);
  await withClient(adminUrl, async (client) => {
    // Files that need the same template wait here, so that it is built once.
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [`template of ${name}`]);
    if (!(await isReady(client, template))) {
      await client.query(`drop database if exists ${pg.escapeIdentifier(template)} with (force)`);
      await createTestRoles(client, name, passwords);
      const { ownerUrl } = await createDatabase(adminUrl, name, { database: template, passwords });
      await migrate(ownerUrl);
      await client.query(`alter database ${pg.escapeIdentifier(template)} allow_connections false is_template true`);
    }
    await client.query('select pg_advisory_unlock_all()');
    const [copy, owner, source] = [database, `${name}_owner`, template].map(pg.escapeIdentifier);
    // Copying files takes half as long as the default strategy, which goes through the WAL.
    await client.query(`create database ${copy} owner ${owner} template ${source} strategy file_copy`);
    await restrictEntry(client, name, database);
  });
  const admin = new URL(adminUrl);
  admin.pathname = `/${database}`;
  return {
    ...databaseUrls(adminUrl, name, { database, passwords }),
    adminUrl: admin.href,
    drop: () =>
      withClient(adminUrl, async (client) => {
        await client.query(`drop database if exists ${pg.escapeIdentifier(database)} with (force)`);
      }),
  };
}

/** Comment on every role that the kit has created. */
const MARK = 'made by the Leaver test kit';

/**
 * Creates the roles of a service, as in production. A role that something else has created is never changed: on the
 * server of a running installation, a new password would lock its service out.
 * @throws Error if such a role exists
 */
async function createTestRoles(client: pg.Client, name: string, passwords: RolePasswords): Promise<void> {
  const login = (password: string) => `login password ${client.escapeLiteral(password)}`;
  const wanted = {
    [`${name}_owner`]: login(passwords.owner),
    [name]: login(passwords.runtime),
    [callsOf(name)]: 'nologin',
  };
  const { rows } = await client.query<{ role: string; mark: string | null }>(
    `select rolname as role, shobj_description(oid, 'pg_authid') as mark from pg_roles where rolname = any($1)`,
    [Object.keys(wanted)],
  );
  const foreign = rows.find(({ mark }) => mark !== MARK);
  if (foreign)
    throw new Error(
      `The PostgreSQL server of this test run has a role "${foreign.role}" that the test kit did not create. ` +
        'Tests never change such a role: run them on a separate server.',
    );
  for (const [role, attributes] of Object.entries(wanted).filter(([role]) => !rows.some((row) => row.role === role))) {
    const id = pg.escapeIdentifier(role);
    await client.query(`create role ${id} ${attributes}; comment on role ${id} is ${client.escapeLiteral(MARK)}`);
  }
  await client.query(assumingCalls(name));
}

async function isReady(client: pg.Client, template: string): Promise<boolean> {
  const found = await client.query('select from pg_database where datname = $1 and datistemplate', [template]);
  return found.rowCount === 1;
}

/** Derives the passwords, so that all test processes agree on them without communication. */
function testPasswords(adminUrl: string, name: string): RolePasswords {
  const derive = (role: string) => createHmac('sha256', adminUrl).update(`${name} ${role}`).digest('base64url');
  return { owner: derive('owner'), runtime: derive('runtime') };
}
