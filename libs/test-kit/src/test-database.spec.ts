import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createServiceDatabase, withClient } from '#libs/local-servers';
import { testDatabase } from './test-database.js';
import { testRun } from './test-run.js';

describe('a test database', () => {
  const options = { fingerprint: 'nothing', migrate: async () => undefined };

  it('does not change the roles of a running installation', async () => {
    const name = `live_${randomBytes(3).toString('hex')}`;
    const passwords = { owner: 'of-the-owner', runtime: 'of-the-service' };
    const live = await createServiceDatabase(testRun().adminUrl, name, { passwords });
    await expect(testDatabase({ name, ...options })).rejects.toThrow(
      /has a role "live_\w+" that the test kit did not create/,
    );
    for (const url of [live.url, live.ownerUrl])
      expect(await withClient(url, async (client) => (await client.query('select 1 as here')).rows)).toEqual([
        { here: 1 },
      ]);
  });

  it('reuses roles that the kit has created', async () => {
    const name = `again_${randomBytes(3).toString('hex')}`;
    const first = await testDatabase({ name, ...options });
    const second = await testDatabase({ name, ...options, fingerprint: 'something else' });
    for (const { url } of [first, second])
      expect(await withClient(url, async (client) => (await client.query('select 1 as here')).rows)).toEqual([
        { here: 1 },
      ]);
    await Promise.all([first.drop(), second.drop()]);
  });
});
