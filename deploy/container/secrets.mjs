/** @import { NatsUser } from '#libs/local-servers' */
/** @import { Renewal } from './server-certificates.mjs' */
import { randomBytes } from 'node:crypto';
import { chmod, chown, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { natsConfiguration, natsTls, POSTGRES_ACCESS, SERVER_CERTIFICATE, SERVER_KEY } from '#libs/local-servers';
import { readIfExists, readSecrets } from '../../scripts/lib/home.mjs';
import { accounts } from '../../scripts/lib/nats-accounts.mjs';
import { services } from '../../scripts/lib/services.mjs';
import { endOf, verifiedBy } from './certificates.mjs';
import { secretsOf } from './secrets-of.mjs';
import { AUTHORITY, serverCertificates } from './server-certificates.mjs';

/** Where each container finds its own secrets. */
const MOUNT = '/run/secrets';
const SERVERS = { postgres: 'postgres:5432', nats: 'nats:4222', trusted: `${MOUNT}/ca.crt` };
/** The names at which containers, and programs inside the server's container, reach each server. */
const NAMES = { postgres: ['postgres', 'localhost'], nats: ['nats', 'localhost'] };

/** @typedef {number | 'any user'} Reader the id of the user who may read a file */
/** As in the Dockerfile. */
const SERVICE_USER = 1000;
const ROOT = 0;
/** Images of others run as users that we do not know. Nothing else is in their volume. */
const ANY = 'any user';

/**
 * Generates missing passwords, keys and certificates of this installation, and writes what each container needs into the folder
 * that only this container sees. The private key of the CA is needed here only, and so it is kept in `all`.
 * @param {string} folder has a folder `all`, to keep them in, and one for each reader
 * @param {Renewal} [renewal]
 */
export async function writeSecrets(folder, renewal = 'due') {
  const all = join(folder, 'all');
  const { authority, servers } = await serverCertificates(folder, NAMES, { now: new Date(), renewal });
  await write(join(all, AUTHORITY.key), authority.key, ROOT);
  await write(join(all, AUTHORITY.certificate), authority.certificate, ROOT);
  const secrets = secretsOf(await readSecrets(all), SERVERS, authority.certificate);
  const superuser = await password(join(all, 'postgres'));
  const grafana = await password(join(all, 'grafana'));
  const adminUrl = `postgres://postgres:${superuser}@${SERVERS.postgres}/postgres?${verifiedBy(SERVERS.trusted)}`;
  /** @type {(container: string, files: Record<string, string>, reader: Reader) => Promise<unknown>} */
  const put = (container, files, reader) =>
    Promise.all(Object.entries(files).map(([name, text]) => write(join(folder, container, name), text, reader)));

  for (const [server, { certificate, key }] of Object.entries(servers)) {
    // Both servers start as root. PostgreSQL refuses a key that others may read, see docker-compose.yml.
    await put(server, { [SERVER_KEY]: key }, ROOT);
    await put(server, { [SERVER_CERTIFICATE]: certificate }, ANY);
    console.log(`the certificate of ${server} ends on ${endOf(certificate).toISOString()}`);
  }
  console.log(`the certificate of the CA ends on ${endOf(authority.certificate).toISOString()}`);
  await put('postgres', { password: superuser, 'pg_hba.conf': POSTGRES_ACCESS }, ANY);
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
  const http = '127.0.0.1:8222';
  return natsConfiguration({ host: '0.0.0.0', port: 4222, store: '/data', users, accounts, http, ...natsTls(MOUNT) });
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
