import { EventEmitter } from 'node:events';
import type { EntityManager, EntityMetadata, EntitySchema } from '@mikro-orm/postgresql';

/** Any entity made with `defineEntity`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyEntity = EntitySchema<any, any, any>;

/** @throws TypeError for an entity that the service has not listed; MikroORM would give a description without columns */
export function metadataOf(em: EntityManager, entity: AnyEntity): EntityMetadata {
  const metadata = em.getMetadata();
  if (!metadata.has(entity.meta.class)) {
    throw new TypeError(
      `${entity.meta.className} is no entity of this service: list it in \`resources\` of its module`,
    );
  }
  return metadata.get(entity);
}

interface PooledClient extends EventEmitter {
  release: (destroy?: boolean | Error) => void;
  query: (text: string) => Promise<unknown>;
}

/** How every service talks to its database. */
export function ormOptions(clientUrl: string, entities: readonly AnyEntity[]) {
  return {
    clientUrl,
    entities: [...entities],
    discovery: { warnWhenNoEntities: false },
    forceUtcTimezone: true,
    // The interceptor and the batch runner open their own contexts; a forgotten one should fail loudly.
    allowGlobalContext: false,
    logger: () => undefined,
    pool: { min: 0, max: 10 },
    driverOptions: {
      onPoolCreated: (pool: EventEmitter) => {
        giveBackBrokenConnections(pool);
        planForShortStatements(pool);
      },
    },
  };
}

/**
 * PostgreSQL takes a page found by an index for four times as dear as the next one of a scan, as on turning disks: a batch
 * of leavers would then read the whole table for a twentieth of its rows. And it may spend longer compiling a long
 * statement than the statement takes.
 */
function planForShortStatements(pool: EventEmitter): void {
  const settings = 'set random_page_cost = 1.1; set jit = off';
  // Should it fail, so does what the connection was opened for.
  pool.on('connect', (client: PooledClient) => void client.query(settings).catch(() => undefined));
}

/**
 * When the server ends a connection within a transaction, the rollback fails, and Kysely (0.29) then keeps the client
 * for ever: ten such accidents and the pool is empty. So a client whose connection ends goes back by itself.
 */
function giveBackBrokenConnections(pool: EventEmitter): void {
  const lent = new WeakSet<PooledClient>();
  pool.on('acquire', (client: PooledClient) => lent.add(client));
  pool.on('release', (_error: unknown, client: PooledClient) => lent.delete(client));
  pool.on('connect', (client: PooledClient) => {
    client.once('end', () => {
      if (!lent.has(client)) return;
      const { release } = client;
      // Whoever holds it may give it back after all.
      client.release = () => undefined;
      release(true);
    });
  });
}
