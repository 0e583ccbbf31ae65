import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { testDatabase, type TestDatabase } from '#libs/test-kit';
import { migrate, migration } from './migrate.js';
import { ormOptions } from './connection/orm-options.js';
import { WrittenTables } from './written-tables.js';

const MIGRATIONS = [
  migration(
    '0001-desks',
    'create table desk (id int primary key, place text)',
    'create table lamp (id int primary key, desk_id int references desk)',
    "insert into desk values (1, 'north')",
  ),
];

let database: TestDatabase;
let orm: MikroORM;
const written = new WrittenTables();
let heard: string[] = [];
beforeAll(async () => {
  database = await testDatabase({
    name: 'written',
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, MIGRATIONS)),
    fingerprint: 'desks',
  });
  orm = await MikroORM.init(ormOptions(database.url, [], undefined, written));
  for (const table of ['desk', 'lamp']) written.on(table, () => heard.push(table));
});
beforeEach(() => {
  heard = [];
});
afterAll(async () => {
  await orm.close(true);
  await database.drop();
});

const run = (statement: ReturnType<typeof sql>) => statement.execute(orm.em.fork().getKysely());

describe('a listener hears of its table', () => {
  it.each([
    ['an insert', sql`insert into desk values (2, 'south')`, ['desk']],
    ['an update of one row', sql`update desk set place = 'east' where id = ${2}`, ['desk']],
    ['an update that finds no row', sql`update desk set place = 'east' where id = ${99}`, []],
    ['a select for update', sql`select id from desk for update`, []],
    [
      'two changes in one statement',
      sql`with one as (insert into desk values (3, 'west') returning id) insert into lamp select id, id from one`,
      ['desk', 'lamp'],
    ],
    [
      'a change in the clause before a select',
      sql`with gone as (delete from lamp returning id) select count(*) from gone`,
      ['lamp'],
    ],
    [
      'a claim of nothing',
      sql`with due as (select id from lamp for update) update lamp l set desk_id = null from due`,
      [],
    ],
    ['a delete', sql`delete from desk where id = ${3}`, ['desk']],
  ])('after %s', async (_, statement, tables) => {
    await run(statement);
    expect(heard).toEqual(tables);
  });

  it('once after the commit of a transaction, and not before', async () => {
    await orm.em.fork().transactional(async (em) => {
      for (const place of ['a', 'b']) await sql`update desk set place = ${place}`.execute(em.getKysely());
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual(['desk']);
  });

  it('not after a transaction that is rolled back, nor from what follows on its connection', async () => {
    const changed = orm.em.fork().transactional(async (em) => {
      await sql`update desk set place = 'c'`.execute(em.getKysely());
      throw new Error('no');
    });
    await expect(changed).rejects.toThrow('no');
    await orm.em.fork().transactional(async (em) => void (await sql`select 1`.execute(em.getKysely())));
    expect(heard).toEqual([]);
  });

  it('from a change of an entity manager', async () => {
    await orm.em.fork().execute(`insert into "lamp" ("id") values (7)`);
    expect(heard).toEqual(['lamp']);
  });
});
