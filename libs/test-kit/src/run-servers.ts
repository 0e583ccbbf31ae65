import { rm } from 'node:fs/promises';
import {
  findNatsServer,
  natsImage,
  type NatsServer,
  startPostgres,
  startPostgresContainer,
  type Postgres,
} from '#libs/local-servers';
import { announceTestRun, temporaryFolder } from './test-run.js';

/**
 * Starts the servers that all test files of a run share: one PostgreSQL, and the nats-server program from which each
 * file starts its own broker.
 * @returns a function that stops and removes everything
 */
export async function startRunServers(cacheDir: string): Promise<() => Promise<void>> {
  const dir = await temporaryFolder();
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const { natsServer, postgres } = await (inContainers() ? containers() : programs(cacheDir, dir));
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

interface Servers {
  natsServer: NatsServer;
  postgres: Pick<Postgres, 'adminUrl' | 'stop'>;
}

/** With LEAVER_TEST_SERVERS=containers, the servers run from images, as in production, instead of from packages. */
const inContainers = () => process.env.LEAVER_TEST_SERVERS === 'containers';

async function programs(cacheDir: string, dir: string): Promise<Servers> {
  const natsServer = await findNatsServer(cacheDir, (text) => process.stderr.write(`${text}\n`));
  return { natsServer, postgres: await startPostgres({ dir, durable: false, throwaway: true }) };
}

async function containers(): Promise<Servers> {
  const natsServer = await natsImage();
  return { natsServer, postgres: await startPostgresContainer() };
}
