import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withClient } from './databases.js';
import { Postgres, startPostgres } from './postgres.js';
import { reachableByPostgres } from './postgres-account.js';
import { temporaryFolder } from '#libs/test-kit';

describe('PostgreSQL', () => {
  let dir: string;
  let postgres: Postgres;
  const start = () => startPostgres({ dir, durable: false, throwaway: true });
  const rows = (text: string) => withClient(postgres.adminUrl, async (client) => (await client.query(text)).rows);

  beforeAll(async () => {
    dir = await temporaryFolder();
    postgres = await start();
  });
  afterAll(async () => {
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('uses UTF-8 and UTC on every machine', async () => {
    await expect(rows(`select lower('ÅÉ') as lower, current_setting('timezone') as zone`)).resolves.toEqual([
      { lower: 'åé', zone: 'UTC' },
    ]);
  });

  it('restarts after kill -9 with all committed data', async () => {
    await rows('create table kept (id int)');
    await rows('insert into kept values (42)');
    await rows('checkpoint');
    process.kill(postgres.pid, 'SIGKILL');
    postgres = await start();
    await expect(rows('select id from kept')).resolves.toEqual([{ id: 42 }]);
  });

  it('stops a server that an earlier run left in its folder', async () => {
    const leftover = postgres.pid;
    postgres = await start();
    expect(postgres.pid).not.toBe(leftover);
    expect(() => process.kill(leftover, 0)).toThrow('ESRCH');
    await expect(rows('select 1 as here')).resolves.toEqual([{ here: 1 }]);
  });

  it('reports why it does not start', async () => {
    await expect(startPostgres({ dir: `${dir}/second`, durable: false, port: postgres.port })).rejects.toThrow(
      /did not start: (.|\n)*in use/,
    );
  });

  it('can be placed in folders that its account can enter', async () => {
    await expect(reachableByPostgres(`${dir}/not/yet/there`)).resolves.toBe(true);
  });
});
