import { rm } from 'node:fs/promises';
import { findNatsServer } from './nats-server.js';
import { startPostgres } from './postgres.js';
import { announceTestRun, temporaryFolder } from './test-run.js';

/**
 * Starts what all test files of a run share: one PostgreSQL, and the nats-server from which each starts its own broker.
 * @returns how to stop and remove it all.
 */
export async function startRunServers(cacheDir: string): Promise<() => Promise<void>> {
  const dir = await temporaryFolder();
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const natsServer = await findNatsServer(cacheDir, (text) => process.stderr.write(`${text}\n`));
    const postgres = await startPostgres({ dir, durable: false, throwaway: true });
    announceTestRun({ adminUrl: postgres.adminUrl, natsServer, dir });
    return async () => {
      await postgres.stop();
      await remove();
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
