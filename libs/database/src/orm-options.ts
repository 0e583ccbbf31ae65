import { EventEmitter } from 'node:events';
import type { EntitySchema } from '@mikro-orm/postgresql';

/** Any entity made with `defineEntity`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyEntity = EntitySchema<any, any, any>;

interface PooledClient extends EventEmitter {
  release: (destroy?: boolean | Error) => void;
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
    driverOptions: { onPoolCreated: giveBackBrokenConnections },
  };
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
