/** @import { InstallationSecrets } from './secrets-of.mjs' */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsAuthorization } from '#libs/local-servers';
import { readSecrets } from '../../scripts/lib/home.mjs';
import { accounts } from '../../scripts/lib/nats-accounts.mjs';
import { UserError } from '../../scripts/lib/prepare.mjs';
import { services } from '../../scripts/lib/services.mjs';
import { certificateSecrets, printList, secret, TRUSTED } from './kubernetes-certificates.mjs';
import { secretsOf } from './secrets-of.mjs';

/** The services of CloudNativePG's cluster and of NATS' chart, see deploy/kubernetes/README.md. */
const SERVERS = { postgres: 'leaver-postgres-rw:5432', nats: 'leaver-nats:4222', trusted: TRUSTED };

/**
 * Prints the secrets of a new installation for kubectl. Each call generates new ones.
 * @param {string | undefined} option `--cert-manager` to leave the certificates to it
 */
export async function printSecrets(option) {
  if (option !== undefined && option !== '--cert-manager')
    throw new UserError('kubernetes-secrets takes no argument but --cert-manager.');
  const folder = await mkdtemp(join(tmpdir(), 'leaver-'));
  try {
    const certificates = option ? [] : await certificateSecrets(new Date());
    printList([...manifests(secretsOf(await readSecrets(folder), SERVERS)), ...certificates]);
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
  return Object.entries(files).map(([name, texts]) => secret(`leaver-${name}`, texts));
}
