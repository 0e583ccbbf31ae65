import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Ids, migrate, migration, SystemClock } from '#libs/database';
import { eventually, testDatabase, type TestDatabase } from '#libs/test-kit';
import { sql } from 'kysely';
import { createLogger, Metrics } from '#libs/observability';
import { BaseConfig, ConfigError } from '../service/config.js';
import { WorkerContext } from '#libs/jobs';
import { KeyRotation } from './key-rotation.js';
import { RotatingEncryption } from './rotating-encryption.js';
import { Encryption } from './encryption.js';

const ROWS = 250;
const columns = [{ table: 'thing', column: 'secret', id: 'id', boundTo: 'account_id' }];
const table = migration(
  '0100-thing',
  'create table thing (id int primary key, account_id text not null, secret text)',
  'insert into thing values (0, $$nobody$$, null)',
);
const clock = new SystemClock();
const ids = new Ids(clock);
const under = (current: string, previous?: string) => new RotatingEncryption({ current, previous }, 'tests', ids);
const before = under('the old secret');

describe('texts encrypted with a previous secret', () => {
  let database: TestDatabase;
  let orm: MikroORM;
  const running: KeyRotation[] = [];

  beforeAll(async () => {
    database = await testDatabase({
      name: 'encryption',
      fingerprint: table.name,
      migrate: async (ownerUrl) => void (await migrate(ownerUrl, [table])),
    });
    orm = await MikroORM.init({ clientUrl: database.url, entities: [], discovery: { warnWhenNoEntities: false } });
  });
  beforeEach(async () => {
    await sql`delete from thing where id > 0`.execute(db());
    const older = new Encryption('the old secret', 'tests', ids);
    const rows = Array.from({ length: ROWS }, (_, n) => {
      const account = `account ${n % 3}`;
      // Every second row is from an older release, which set no mark.
      return { id: n + 1, account, secret: (n % 2 ? older : before).encrypt(`secret ${n + 1}`, account) };
    });
    await sql`
      insert into thing select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (id int, account text, secret text)`.execute(
      db(),
    );
  });
  afterAll(async () => {
    await orm?.close(true);
    await database?.drop();
  });

  const db = () => (orm.em as EntityManager).fork().getKysely();
  const start = async (encryption: RotatingEncryption) => {
    const log = createLogger(Object.assign(new BaseConfig(), { serviceName: 'tests', logLevel: 'silent' }));
    const em = orm.em as EntityManager;
    const metrics = new Metrics(clock);
    const keyRotation = new KeyRotation({
      em,
      encryption,
      columns,
      setting: 'A_SECRET',
      serviceName: 'tests',
      context: new WorkerContext(clock, ids, log, metrics),
      metrics,
    });
    running.push(keyRotation);
    await keyRotation.onApplicationBootstrap();
    return keyRotation;
  };
  const stop = () => Promise.all(running.splice(0).map((one) => one.beforeApplicationShutdown()));
  const opened = async (encryption: RotatingEncryption) => {
    const { rows } = await sql<{ id: number; account_id: string; secret: string }>`
      select * from thing where secret is not null order by id`.execute(db());
    return rows.filter((row) => encryption.canDecrypt(row.secret, row.account_id)).map(({ id }) => id);
  };

  it('are re-encrypted with the new secret by either of two replicas, and need only that', async () => {
    const [one] = await Promise.all([1, 2].map(() => start(under('the new secret', 'the old secret'))));
    await eventually(async () => expect(await one!.waiting()).toBe(0));
    await stop();
    expect(await opened(under('the new secret'))).toHaveLength(ROWS);
    expect(await opened(before)).toEqual([]);
  });

  it('are skipped if they are damaged, without holding up others', async () => {
    await sql`update thing set secret = ${`${before.mark}damaged`} where id in (1, 120)`.execute(db());
    const keyRotation = await start(under('the new secret', 'the old secret'));
    await eventually(async () => expect(await keyRotation.waiting()).toBe(2));
    await stop();
    expect(await opened(under('the new secret'))).toHaveLength(ROWS - 2);
  });

  it('stay unchanged without a previous secret, so that older replicas can read them', async () => {
    await start(before);
    await stop();
    const { rows } = await sql`select from thing where not starts_with(secret, ${before.mark})`.execute(db());
    expect(rows).toHaveLength(ROWS / 2);
  });

  it('keep the service from starting if neither secret decrypts them', async () => {
    await expect(start(under('the new secret', 'a wrong one'))).rejects.toThrow(ConfigError);
    await stop();
    expect(await opened(before)).toHaveLength(ROWS);
  });
});
