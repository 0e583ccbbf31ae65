import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import pg from 'pg';
import { eventually, TcpProxy, testDatabase, type TestDatabase } from '#libs/test-kit';
import { migrate, migration } from '../migrate.js';
import { ormOptions } from '../connection/orm-options.js';
import { ACROSS_ACCOUNTS, asCall } from '../scope/work-scope.js';
import { isTimeLimit, SilentDatabaseError, type TimeLimits } from './time-limits.js';

const LIMITS: TimeLimits = {
  call: { statementMs: 200, lockMs: 100 },
  background: { statementMs: 20_000, lockMs: 10_000 },
  idleInTransactionMs: 300,
};
const MIGRATIONS = [migration('0001-desk', 'create table desk (id int primary key)', 'insert into desk values (1)')];

let database: TestDatabase;
let proxy: TcpProxy;
let orm: MikroORM;
beforeAll(async () => {
  database = await testDatabase({
    name: 'limits',
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, MIGRATIONS)),
    fingerprint: 'desk',
  });
  const url = new URL(database.url);
  proxy = await TcpProxy.before(Number(url.port));
  url.port = String(proxy.port);
  orm = await MikroORM.init({ ...ormOptions(url.href, [], LIMITS), pool: { min: 0, max: 2 } });
});
afterEach(() => proxy.flow());
afterAll(async () => {
  await orm.close(true);
  await proxy.close();
  await database.drop();
});

const run = (statement: ReturnType<typeof sql>) => statement.execute(orm.em.fork().getKysely());
const sleep = (seconds: number) => run(sql`select pg_sleep(${seconds}) from desk`);
const failureOf = async (work: Promise<unknown>): Promise<{ code?: string; table?: string }> =>
  work.then(
    () => ({}),
    (error: object) => error,
  );

describe('a statement', () => {
  it('of a call is cancelled at the limit of calls, and the error names the table', async () => {
    const failure = await failureOf(asCall(ACROSS_ACCOUNTS, () => sleep(5)));
    expect(failure).toMatchObject({ code: '57014', table: 'desk' });
    expect(isTimeLimit(failure)).toBe(true);
    expect(await failureOf(asCall(ACROSS_ACCOUNTS, () => sleep(0)))).toEqual({});
  });

  it('of background work may take longer, on the same connections', async () => {
    await Promise.all([1, 2, 3].map(() => asCall(ACROSS_ACCOUNTS, () => sleep(0))));
    expect(await Promise.all([1, 2, 3].map(() => failureOf(sleep(0.4))))).toEqual([{}, {}, {}]);
    expect(await failureOf(asCall(ACROSS_ACCOUNTS, () => sleep(5)))).toMatchObject({ code: '57014' });
  });

  it('of a call in a transaction has the same limit, and background transactions have theirs', async () => {
    const work = () => orm.em.fork().transactional((em) => sql`select pg_sleep(0.4) from desk`.execute(em.getKysely()));
    expect(await failureOf(asCall(ACROSS_ACCOUNTS, work))).toMatchObject({ code: '57014' });
    expect(await failureOf(work())).toEqual({});
  });

  it('of a call waits for a lock only for its limit', async () => {
    const other = new pg.Client(database.url);
    await other.connect();
    try {
      await other.query('begin; update desk set id = 1');
      const failure = await failureOf(asCall(ACROSS_ACCOUNTS, () => run(sql`update desk set id = 1`)));
      expect(failure).toMatchObject({ code: '55P03', table: 'desk' });
      expect(isTimeLimit(failure)).toBe(true);
    } finally {
      await other.end();
    }
  });
});

it('a transaction that runs nothing for too long is ended by the server, and its connection is replaced', async () => {
  const failure = await failureOf(
    orm.em.fork().transactional(async (em) => {
      await sql`update desk set id = 1`.execute(em.getKysely());
      const other = new pg.Client(database.url);
      await other.connect();
      // The lock of the row is free as soon as the transaction is over.
      await other.query('update desk set id = 1').finally(() => other.end());
      await sql`select 1`.execute(em.getKysely());
    }),
  );
  expect(String(failure)).toMatch(/idle-in-transaction|Connection terminated|not queryable/);
  expect(await failureOf(sleep(0))).toEqual({});
});

describe('a server that has vanished without closing its connections', () => {
  it('is noticed by a call soon after its limit, and new connections are used when it is back', async () => {
    await Promise.all([1, 2].map(() => sleep(0)));
    proxy.stall();
    const failures = await Promise.all([1, 2].map(() => failureOf(asCall(ACROSS_ACCOUNTS, () => sleep(0)))));
    for (const failure of failures) expect(failure).toBeInstanceOf(SilentDatabaseError);
    proxy.flow();
    await eventually(async () => expect(await failureOf(sleep(0))).toEqual({}));
  });

  it('is noticed within a transaction, whose connection goes, too', async () => {
    const failure = await failureOf(
      asCall(ACROSS_ACCOUNTS, () =>
        orm.em.fork().transactional(async (em) => {
          await sql`select 1`.execute(em.getKysely());
          proxy.stall();
          await sql`select 1`.execute(em.getKysely());
        }),
      ),
    );
    expect(isTimeLimit(failure)).toBe(true);
    proxy.flow();
    const all = Array.from({ length: 4 }, () => failureOf(sleep(0)));
    expect(await Promise.all(all)).toEqual(all.map(() => ({})));
  });
});
