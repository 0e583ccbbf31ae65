/** @import { InstallationSecrets } from './secrets-of.mjs' */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsAuthorization } from '#libs/local-servers';
import { readSecrets } from '../../scripts/lib/home.mjs';
import { accounts } from '../../scripts/lib/nats-accounts.mjs';
import { services } from '../../scripts/lib/services.mjs';
import { secretsOf } from './secrets-of.mjs';

/** The services of CloudNativePG's cluster and of NATS' chart, see deploy/kubernetes/README.md. */
const HOSTS = { postgres: 'leaver-postgres-rw:5432', nats: 'leaver-nats:4222' };

/** Prints the secrets of a new installation for kubectl. Each call generates new ones. */
export async function printSecrets() {
  const folder = await mkdtemp(join(tmpdir(), 'leaver-'));
  try {
    const items = manifests(secretsOf(await readSecrets(folder), HOSTS));
    console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * A Secret for each service, the jobs, the broker, subscribers and the operator.
 * @param {InstallationSecrets} secrets
 */
export function manifests(secrets) {
  /** @type {Record<string, Record<string, string>>} */
  const files = {
    ...Object.fromEntries(services.map((name) => [name, secrets.service(name)])),
    jobs: secrets.jobs(),
    subscriber: secrets.client('subscriber'),
    operator: secrets.client('operator'),
    'nats-users': { 'users.conf': JSON.stringify(natsAuthorization(secrets.brokerUsers(), accounts), null, 2) },
  };
  return Object.entries(files).map(([name, stringData]) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `leaver-${name}`, labels: { 'app.kubernetes.io/part-of': 'leaver' } },
    type: 'Opaque',
    stringData,
  }));
}
