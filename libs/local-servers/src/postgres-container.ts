import { randomBytes } from 'node:crypto';
import { settingFlags, type Postgres } from './postgres.js';

/** As in docker-compose.yml. */
const IMAGE = 'postgres:18-alpine';
const PORT = 5432;
const USER = 'postgres';

/**
 * Starts PostgreSQL for tests in a new container with its data in memory, from the official image or that in POSTGRES_IMAGE.
 * @throws Error if no Docker engine responds or the image is not available
 */
export async function startPostgresContainer(): Promise<Pick<Postgres, 'adminUrl' | 'stop'>> {
  // Imported here because the package takes a second to load and only container tests need it.
  const { GenericContainer, Wait } = await import('testcontainers');
  const password = randomBytes(24).toString('base64url');
  const container = await new GenericContainer(process.env.POSTGRES_IMAGE || IMAGE)
    .withEnvironment({
      POSTGRES_PASSWORD: password,
      POSTGRES_INITDB_ARGS: '--locale-provider=builtin --builtin-locale=C.UTF-8 --no-sync',
    })
    .withTmpFs({ '/var/lib/postgresql': 'rw' })
    .withCommand(['postgres', ...settingFlags(false)])
    .withExposedPorts(PORT)
    // After creating the cluster, the image starts the server a second time.
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
    .start();
  return {
    adminUrl: `postgres://${USER}:${password}@${container.getHost()}:${container.getMappedPort(PORT)}/postgres`,
    stop: async () => void (await container.stop()),
  };
}
