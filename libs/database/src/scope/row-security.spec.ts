import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { sql, type RawBuilder } from 'kysely';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { withClient } from '#libs/local-servers';
import { testDatabase, type TestDatabase } from '#libs/test-kit';
import { domainTypes, migrate, migration } from '../migrate.js';
import { ormOptions } from '../connection/orm-options.js';
import { ACCOUNT_OF_CALL, rowsWhere, sharedRows } from './row-security.js';
import { ACROSS_ACCOUNTS, asBackground, asCall, scopeOfAccount } from './work-scope.js';

const MIGRATIONS = [
  domainTypes,
  migration(
    '0002-desks',
    'create table directory (user_id user_ref primary key, account_id uuid not null)',
    'create table desk (id uuid primary key, account_id uuid not null, name text)',
    'create table drawer (desk_id uuid not null references desk (id) on delete cascade, label text)',
    'create table chair (id uuid primary key, user_id user_ref not null)',
    'create table queue (id uuid primary key)',
    'create table company (id uuid primary key)',
    rowsWhere('company', `id = ${ACCOUNT_OF_CALL}`),
    'create table holiday (name text)',
    sharedRows('holiday'),
    `create view desk_name as select name from desk`,
  ),
];
const ALL = ['directory', 'desk', 'drawer', 'chair', 'queue', 'company', 'holiday', 'migration'];

let database: TestDatabase;
let orm: MikroORM;
beforeAll(async () => {
  database = await testDatabase({
    name: 'desks',
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, MIGRATIONS)),
    fingerprint: 'desks of accounts',
  });
  orm = await MikroORM.init({ ...ormOptions(database.url, []), pool: { min: 0, max: 1 } });
});
afterAll(async () => {
  await orm.close(true);
  await database.drop();
});

const [mine, other] = [randomUUID(), randomUUID()];
const run = <T>(statement: RawBuilder<T>) => statement.execute(orm.em.fork().getKysely());
const namesIn = async (statement: RawBuilder<{ name: string }>) => (await run(statement)).rows.map(({ name }) => name);
const desks = sql<{ name: string }>`select name from desk order by name`;
const forAccount = <T>(accountId: string, work: () => T) => asCall(scopeOfAccount(accountId), work);

beforeEach(async () => {
  await run(sql`delete from desk`);
  for (const [account, name] of [
    [mine, 'mine'],
    [other, 'theirs'],
  ])
    await run(sql`with d as (insert into desk values (gen_random_uuid(), ${account}, ${name}) returning id)
      insert into drawer select id, ${name} from d`);
});

describe('a call', () => {
  it('sees only rows of its account without a condition, also through children and views', async () => {
    for (const statement of [
      desks,
      sql<{ name: string }>`select label as name from drawer`,
      sql<{ name: string }>`select name from desk_name`,
    ])
      expect(await forAccount(mine, () => namesIn(statement))).toEqual(['mine']);
  });

  it('neither changes nor deletes rows of another account', async () => {
    await forAccount(mine, () => run(sql`update desk set name = name || '!'`));
    await forAccount(mine, () => run(sql`delete from drawer`));
    expect(await namesIn(desks)).toEqual(['mine!', 'theirs']);
    expect(await namesIn(sql<{ name: string }>`select label as name from drawer`)).toEqual(['theirs']);
  });

  it('inserts no rows for another account, and moves none there', async () => {
    const refused = { code: '42501' };
    const theirs = (await run(sql<{ id: string }>`select id from desk where account_id = ${other}`)).rows[0]!.id;
    for (const statement of [
      sql`insert into desk values (gen_random_uuid(), ${other}, 'new')`,
      sql`update desk set account_id = ${other}`,
      sql`insert into drawer values (${theirs}, 'new')`,
      sql`insert into queue values (gen_random_uuid())`,
    ])
      await expect(forAccount(mine, () => run(statement))).rejects.toMatchObject(refused);
    await forAccount(mine, () => run(sql`insert into desk values (gen_random_uuid(), ${mine}, 'new')`));
  });

  it('sees by its user what refers to nothing else, what a migration shares, and no other table', async () => {
    const [me, they] = [randomUUID(), randomUUID()];
    await run(sql`insert into directory values (${me}, ${mine}), (${they}, ${other})`);
    await run(sql`insert into chair values (${me}, ${me}), (${they}, ${they})`);
    await run(sql`insert into company values (${mine}), (${other})`);
    await run(sql`insert into queue values (gen_random_uuid())`);
    await run(sql`insert into holiday values ('today')`);
    const ids = (table: string) =>
      forAccount(mine, async () => (await run(sql<{ id: string }>`select id from ${sql.table(table)}`)).rows);
    expect(await ids('chair')).toEqual([{ id: me }]);
    expect(await ids('company')).toEqual([{ id: mine }]);
    expect(await ids('queue')).toEqual([]);
    expect(await forAccount(mine, () => namesIn(sql`select name from holiday`))).toEqual(['today']);
  });

  it('in a transaction stays in its account, and the next work on the connection is in its own', async () => {
    const seen = await forAccount(mine, () =>
      orm.em.fork().transactional(async (em) => (await desks.execute(em.getKysely())).rows),
    );
    expect(seen).toEqual([{ name: 'mine' }]);
    expect(await forAccount(other, () => namesIn(desks))).toEqual(['theirs']);
    expect(await namesIn(desks)).toHaveLength(2);
  });

  it('of a transaction that is rolled back, or that fails, leaves no account behind', async () => {
    const failing = (work: (em: EntityManager) => Promise<unknown>) => () => orm.em.fork().transactional(work);
    for (const account of [mine, other, mine]) {
      const no = async () => Promise.reject(new Error('no'));
      await expect(forAccount(account, failing(no))).rejects.toThrow('no');
      const wrong = failing((em) => sql`select 1 / 0`.execute(em.getKysely()));
      await expect(forAccount(account, wrong)).rejects.toMatchObject({ code: '22012' });
      expect(await forAccount(account, () => namesIn(desks))).toEqual([account === mine ? 'mine' : 'theirs']);
    }
    expect(await namesIn(desks)).toHaveLength(2);
  });

  it('whose first statement fails runs the next one on the connection in its account, too', async () => {
    await forAccount(other, () => namesIn(desks));
    const seen = await forAccount(mine, () =>
      orm.em
        .fork()
        .getKysely()
        .connection()
        .execute(async (connection) => {
          await expect(sql`select 1 / 0`.execute(connection)).rejects.toMatchObject({ code: '22012' });
          return (await desks.execute(connection)).rows;
        }),
    );
    expect(seen).toEqual([{ name: 'mine' }]);
  });

  it('needs no round trip of its own before a statement without parameters', async () => {
    const { query } = pg.Client.prototype;
    const texts: unknown[] = [];
    pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
      texts.push(args[0]);
      return (query as (...all: unknown[]) => unknown).apply(this, args);
    } as typeof query;
    try {
      await forAccount(mine, () => orm.em.fork().transactional((em) => desks.execute(em.getKysely())));
      await forAccount(mine, () => namesIn(desks));
      await forAccount(other, () => namesIn(desks));
    } finally {
      pg.Client.prototype.query = query;
    }
    expect(texts).toEqual([
      expect.stringMatching(/^set role .*; begin$/),
      'select name from desk order by name',
      'commit',
      'select name from desk order by name',
      `set leaver.account = '${other}'; select name from desk order by name`,
    ]);
  });

  it('for no account sees nothing', async () => {
    expect(await forAccount('', () => namesIn(desks))).toEqual([]);
  });

  it('across accounts sees all rows, and so does background work that a call starts', async () => {
    expect(await asCall(ACROSS_ACCOUNTS, () => namesIn(desks))).toHaveLength(2);
    expect(await forAccount(mine, () => asBackground(() => namesIn(desks)))).toHaveLength(2);
  });

  it('whose scope cannot be applied runs nothing, with and without a transaction', async () => {
    await namesIn(desks);
    await withClient(database.adminUrl, (admin) => admin.query('revoke desks_calls from desks'));
    try {
      const missing = 'the database role desks_calls is missing';
      const inTransaction = () => orm.em.fork().transactional((em) => desks.execute(em.getKysely()));
      await expect(forAccount(mine, inTransaction)).rejects.toThrow(missing);
      const counted = sql<{ name: string }>`select name from desk where name <> ${'x'}`;
      for (const statement of [desks, counted])
        await expect(forAccount(mine, () => namesIn(statement))).rejects.toThrow(missing);
      expect(await namesIn(desks)).toHaveLength(2);
    } finally {
      await withClient(database.adminUrl, (admin) =>
        admin.query('grant desks_calls to desks with inherit false, set true'),
      );
    }
    expect(await forAccount(mine, () => namesIn(desks))).toEqual(['mine']);
  });
});

describe('the role of calls', () => {
  it.each([
    'alter table desk disable row level security',
    'alter table desk no force row level security',
    'drop policy calls on desk',
    'alter policy calls on desk using (true)',
    'create policy all_of_it on desk using (true)',
    'set role desks_owner',
    'set session authorization desks_owner',
    'grant desks_owner to desks_calls',
    'alter role desks_calls bypassrls',
    'alter view desk_name reset (security_invoker)',
  ])('and the service’s own role may not %s', async (statement) => {
    for (const first of ['select 1', 'set role desks_calls'])
      await expect(withClient(database.url, (client) => client.query(`${first}; ${statement}`))).rejects.toMatchObject({
        code: '42501',
      });
  });

  it('cannot be used to read without policies', async () => {
    const reading = withClient(database.url, (client) =>
      client.query('set role desks_calls; set row_security = off; select from desk'),
    );
    await expect(reading).rejects.toMatchObject({ code: '42501' });
  });

  it('cannot log in, owns nothing and is nobody’s superuser', async () => {
    const { rows } = await withClient(database.adminUrl, (client) =>
      client.query(`select rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as powers,
        exists (select from pg_class where relowner = r.oid) as owns from pg_roles r where rolname = 'desks_calls'`),
    );
    expect(rows).toEqual([{ powers: false, owns: false }]);
  });
});

describe('a migration', () => {
  it('that has run secures every table, and locks none when it runs again', async () => {
    const secured = async () =>
      withClient(database.adminUrl, async (client) => {
        const { rows } = await client.query<{ name: string; version: string }>(
          `select relname as name, xmin::text as version from pg_class where relrowsecurity order by 1`,
        );
        return rows;
      });
    const before = await secured();
    expect(before.map(({ name }) => name).sort()).toEqual([...ALL].sort());
    await withClient(database.url, async (reader) => {
      await reader.query('begin; select from desk');
      await migrate(database.ownerUrl, MIGRATIONS);
    });
    expect(await secured()).toEqual(before);
  });

  it('secures a table that is new, and one whose rows get an account', async () => {
    const later = migration(
      '0003-later',
      'create table lamp (id uuid primary key, account_id uuid not null)',
      'alter table queue add column account_id uuid not null default gen_random_uuid()',
    );
    await migrate(database.ownerUrl, [...MIGRATIONS, later]);
    await run(sql`insert into lamp values (gen_random_uuid(), ${mine}), (gen_random_uuid(), ${other})`);
    await run(sql`insert into queue (id, account_id) values (gen_random_uuid(), ${mine})`);
    for (const table of ['lamp', 'queue'])
      expect((await forAccount(mine, () => run(sql`select from ${sql.table(table)}`))).rows).toHaveLength(1);
  });

  it('says what is missing on a server without the role of calls', async () => {
    const bare = await testDatabase({ name: 'bare', migrate: async () => undefined, fingerprint: 'bare' });
    await withClient(bare.adminUrl, (admin) => admin.query('alter role bare_calls rename to bare_gone'));
    try {
      await expect(migrate(bare.ownerUrl, MIGRATIONS)).rejects.toThrow(
        'the database role bare_calls is missing: run the job `databases` of this version first',
      );
    } finally {
      await withClient(bare.adminUrl, (admin) => admin.query('alter role bare_gone rename to bare_calls'));
      await bare.drop();
    }
  });
});
