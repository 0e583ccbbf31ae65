import { jetstream, StorageType } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { assertNoOpenTransaction } from '#libs/database';
import { replicasOf } from './connection.js';

export interface BucketSpec {
  name: string;
  /** Milliseconds after which an entry expires. */
  ttl: number;
  /** Keeps the entries in the broker's memory only. */
  inMemory?: boolean;
  /** Above this size, entries are refused until others have expired. */
  maxBytes?: number;
}

/**
 * Opens the key-value bucket and creates it if it is missing.
 * @param timeout milliseconds for each response of the broker
 * @throws a NATS error when the broker does not respond
 */
export async function openBucket(
  nats: NatsConnection,
  { name, ttl, inMemory, maxBytes }: BucketSpec,
  timeout: number,
): Promise<KV> {
  assertNoOpenTransaction(`open bucket ${name}`);
  return new Kvm(jetstream(nats, { timeout })).create(name, {
    ttl,
    replicas: replicasOf(nats),
    ...(inMemory && { storage: StorageType.Memory }),
    ...(maxBytes !== undefined && { max_bytes: maxBytes }),
  });
}
