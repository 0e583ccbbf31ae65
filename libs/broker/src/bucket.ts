import { jetstream } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { assertNoOpenTransaction } from '#libs/database';
import { replicasOf } from './connection.js';

export interface BucketSpec {
  name: string;
  /** Milliseconds after which an entry goes. */
  ttl: number;
}

/**
 * The key-value bucket, made if it isn't there: the same one, whoever needs it first.
 * @param timeout milliseconds for each answer of the broker
 * @throws an error of NATS when the broker does not answer
 */
export async function openBucket(nats: NatsConnection, { name, ttl }: BucketSpec, timeout: number): Promise<KV> {
  assertNoOpenTransaction(`open bucket ${name}`);
  return new Kvm(jetstream(nats, { timeout })).create(name, { ttl, replicas: replicasOf(nats) });
}
