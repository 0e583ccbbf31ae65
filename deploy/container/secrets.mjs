/** @import { NatsUser } from '#libs/local-servers' */
import { randomBytes } from 'node:crypto';
import { chmod, chown, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { natsConfiguration } from '#libs/local-servers';
import { readIfExists, readSecrets } from '../../scripts/lib/home.mjs';
import { accounts } from '../../scripts/lib/nats-accounts.mjs';
import { services } from '../../scripts/lib/services.mjs';
import { secretsOf } from './secrets-of.mjs';

const HOSTS = { postgres: 'postgres:5432', nats: 'nats:4222' };

/** @typedef {number | 'any user'} Reader the id of the user who may read a file */
/** As in the Dockerfile. */
const SERVICE_USER = 1000;
const ROOT = 0;
/** Images of others run as users that we do not know. Nothing else is in their volume. */
const ANY = 'any user';

/**
 * Generates missing passwords and keys of this installation, and writes what each container needs into the folder that only
 * this container sees.
 * @param {string} folder has a folder `all`, to keep them in, and one for each reader
 */
export async function writeSecrets(folder) {
  const all = join(folder, 'all');
  const secrets = secretsOf(await readSecrets(all), HOSTS);
  const superuser = await password(join(all, 'postgres'));
  const grafana = await password(join(all, 'grafana'));
  const adminUrl = `postgres://postgres:${superuser}@${HOSTS.postgres}/postgres`;
  /** @type {(container: string, files: Record<string, string>, reader: Reader) => Promise<unknown>} */
  const put = (container, files, reader) =>
    Promise.all(Object.entries(files).map(([name, text]) => write(join(folder, container, name), text, reader)));

  await put('postgres', { password: superuser }, ANY);
  await put('grafana', { password: grafana }, ANY);
  await put('nats', { 'nats.conf': brokerConfiguration(secrets.brokerUsers()) }, ROOT);
  await put('jobs', { 'admin-database-url': adminUrl, ...secrets.jobs() }, SERVICE_USER);
  await put('operator', secrets.client('operator'), SERVICE_USER);
  for (const name of services) await put(name, secrets.service(name), SERVICE_USER);
  console.log('all secrets are written');
}

/** @param {NatsUser[]} users */
function brokerConfiguration(users) {
  // Only programs inside the server's container can read its monitoring port.
  return natsConfiguration({ host: '0.0.0.0', port: 4222, store: '/data', users, accounts, http: '127.0.0.1:8222' });
}

/**
 * The password in a file; a missing one is generated.
 * @param {string} file
 */
async function password(file) {
  const kept = await readIfExists(file);
  if (kept) return kept;
  const fresh = randomBytes(32).toString('base64url');
  await write(file, fresh, ROOT);
  return fresh;
}

/**
 * Writes a file atomically.
 * @param {string} file
 * @param {string} text
 * @param {Reader} reader
 */
async function write(file, text, reader) {
  await writeFile(`${file}.new`, text, { mode: 0o400 });
  if (reader === ANY) await chmod(`${file}.new`, 0o444);
  else await chown(`${file}.new`, reader, reader);
  await rename(`${file}.new`, file);
}
