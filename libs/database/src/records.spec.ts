import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { testDatabase, type TestDatabase } from '#libs/test-kit';
import { sql } from 'kysely';
import { ormOptions } from './connection/orm-options.js';
import { namesOf, relationOf } from './records.js';

const COLUMNS = { id: 'uuid', n: 'bigint', at: 'timestamptz', yes: 'boolean', word: 'text', facts: 'jsonb' };
const ID = '01890000-0000-7000-8000-000000000001';

let database: TestDatabase;
let orm: MikroORM;
beforeAll(async () => {
  database = await testDatabase({ name: 'records', migrate: async () => undefined, fingerprint: '' });
  orm = await MikroORM.init(ormOptions(database.url, []));
});
afterAll(async () => {
  await orm.close(true);
  await database.drop();
});

const read = async (rows: Record<keyof typeof COLUMNS, unknown>[]) => {
  const em = orm.em.fork() as EntityManager;
  const { rows: found } = await sql`select ${namesOf(COLUMNS)} from ${relationOf('n', rows, COLUMNS)}`.execute(
    em.getKysely(),
  );
  return found;
};

it('rows keep their values and their order, whatever characters they contain', async () => {
  const at = new Date('2026-11-29T12:00:00.000Z');
  const words = ['plain', '', 'NULL', 'a "quoted" \\ word', 'a,b {c}', 'new\nline', ' blank ', 'é€😀'];
  const rows = words.map((word, n) => ({
    id: ID,
    n,
    at: n % 2 ? at : at.toISOString(),
    yes: n % 2 === 0,
    word,
    facts: { word, list: [word, null, { deep: n }] },
  }));
  const found = (await read(rows)) as { n: string; at: string }[];
  expect(found.map(({ at: moment, ...row }) => ({ ...row, n: Number(row.n), at: Date.parse(moment) }))).toEqual(
    rows.map((row) => ({ ...row, at: at.getTime() })),
  );
});

it('missing values are null', async () => {
  const nothing = { id: null, n: undefined, at: null, yes: undefined, word: null, facts: undefined };
  expect(await read([nothing, nothing])).toEqual(
    [1, 2].map(() => ({ id: null, n: null, at: null, yes: null, word: null, facts: null })),
  );
});

it('a value of another type is refused and cannot be split into two', async () => {
  const row = { id: `${ID},${ID}`, n: 1, at: null, yes: null, word: null, facts: null };
  await expect(read([row])).rejects.toMatchObject({ code: '22P02' });
});
