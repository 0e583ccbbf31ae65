import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsAuthorization } from '#libs/local-servers';
import { secrets } from '../../scripts/lib/home.mjs';
import { services } from '../../scripts/lib/services.mjs';
import { secretsOf } from './secrets-of.mjs';

/** The services in front of CloudNativePG's cluster and of the chart's release, see deploy/kubernetes/README.md. */
const HOSTS = { postgres: 'leaver-postgres-rw:5432', nats: 'leaver-nats:4222' };

/** Prints the secrets of a new installation for kubectl. Each call makes new ones. */
export async function printSecrets() {
  const folder = await mkdtemp(join(tmpdir(), 'leaver-'));
  try {
    const items = manifests(secretsOf(await secrets(folder), HOSTS));
    console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @returns a Secret for each service, for the jobs, the broker, whoever subscribes to the events, and the operator */
export function manifests(of) {
  const files = {
    ...Object.fromEntries(services.map((name) => [name, of.service(name)])),
    jobs: of.jobs(),
    ...Object.fromEntries(['subscriber', 'operator'].map((name) => [name, of.outsider(name)])),
    'nats-users': { 'users.conf': JSON.stringify(natsAuthorization(of.brokerUsers()), null, 2) },
  };
  return Object.entries(files).map(([name, stringData]) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `leaver-${name}`, labels: { 'app.kubernetes.io/part-of': 'leaver' } },
    type: 'Opaque',
    stringData,
  }));
}
