import { EventEmitter } from 'node:events';
import type { EntityManager, EntityMetadata, EntitySchema } from '@mikro-orm/postgresql';
import type { Socket } from 'node:net';
import {
  connectionSettings,
  DEFAULT_TIME_LIMITS,
  SERVER_KEEPALIVE,
  watchStatements,
  type TimeLimits,
} from '../limits/time-limits.js';
import { scopeConnections, type ScopedPool } from '../scope/scoped-connections.js';
import { WrittenTables } from '../written-tables.js';
import { databaseTls, type DatabaseTls } from './tls.js';

/** Any entity made with `defineEntity`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyEntity = EntitySchema<any, any, any>;

/** @throws TypeError for an entity that the service does not list; MikroORM would return metadata without columns */
export function metadataOf(em: EntityManager, entity: AnyEntity): EntityMetadata {
  const metadata = em.getMetadata();
  if (!metadata.has(entity.meta.class)) {
    throw new TypeError(
      `${entity.meta.className} is not an entity of this service: list it in \`resources\` of its module`,
    );
  }
  return metadata.get(entity);
}

interface PooledClient extends EventEmitter {
  release: (destroy?: boolean | Error) => void;
  query: (...args: unknown[]) => unknown;
  connection: { stream: Socket };
}

/**
 * Database options for every service.
 * @param written is told which tables the connections write to
 */
export function ormOptions(
  clientUrl: string,
  entities: readonly AnyEntity[],
  limits = DEFAULT_TIME_LIMITS,
  written = new WrittenTables(),
) {
  return {
    clientUrl,
    entities: [...entities],
    discovery: { warnWhenNoEntities: false },
    forceUtcTimezone: true,
    // The interceptor and the batch runner open their own contexts; a missing context should fail loudly.
    allowGlobalContext: false,
    logger: () => undefined,
    pool: { min: 0, max: 10 },
    driverOptions: {
      ...connectionSettings(limits),
      ...encryption(clientUrl),
      onPoolCreated: (pool: ScopedPool) => {
        releaseBrokenConnections(pool);
        prepareConnections(pool, limits);
        scopeConnections(pool, limits, roleIn(clientUrl));
        pool.on('connect', (client: PooledClient) => written.watch(client));
      },
    },
  };
}

/** The encryption that a database's address asks for, as driver options: MikroORM ignores the parameters of the address. */
export function encryption(clientUrl: string): { ssl?: DatabaseTls } {
  const ssl = databaseTls(clientUrl);
  return ssl ? { ssl } : {};
}

/** The role with which an address logs in. */
export const roleIn = (databaseUrl: string): string => decodeURIComponent(new URL(databaseUrl).username);

/**
 * By default PostgreSQL assumes that random page reads cost four times as much as sequential ones, as on spinning
 * disks. A batch of leavers would then scan a whole table for a twentieth of its rows. JIT is off because compiling a
 * long statement may take longer than running it.
 */
const FOR_SHORT_STATEMENTS = 'set random_page_cost = 1.1; set jit = off';

function prepareConnections(pool: EventEmitter, limits: TimeLimits): void {
  pool.on('connect', (client: PooledClient) => {
    watchStatements(client, limits);
    const settings = client.query(`${FOR_SHORT_STATEMENTS}; ${SERVER_KEEPALIVE}`) as Promise<unknown>;
    // If this fails, the work that opened the connection fails as well.
    settings.catch(() => undefined);
  });
}

/**
 * When the server ends a connection within a transaction, the rollback fails and Kysely (0.29) never releases the
 * client; after ten of these the pool is empty. So a client whose connection has ended is released here.
 */
function releaseBrokenConnections(pool: EventEmitter): void {
  const lent = new WeakSet<PooledClient>();
  pool.on('acquire', (client: PooledClient) => lent.add(client));
  pool.on('release', (_error: unknown, client: PooledClient) => lent.delete(client));
  pool.on('connect', (client: PooledClient) => {
    client.once('end', () => {
      if (!lent.has(client)) return;
      const { release } = client;
      // The holder may still release it.
      client.release = () => undefined;
      release(true);
    });
  });
}
