import { randomBytes } from 'node:crypto';
import { chmod, chown, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { natsConfiguration } from '#libs/local-servers';
import { secrets } from '../../scripts/lib/home.mjs';
import { services } from '../../scripts/lib/services.mjs';
import { secretsOf } from './secrets-of.mjs';

const HOSTS = { postgres: 'postgres:5432', nats: 'nats:4222' };

/** As in the Dockerfile. */
const OURS = 1000;
const ROOT = 0;
/** Images of others read as whichever user they happen to run as; their volume is open to nobody else. */
const ANYBODY = undefined;

/**
 * Makes the passwords and keys of this installation when they are missing, and puts what each container needs to know into
 * the folder that only this container sees.
 * @param folder has a folder `all`, to keep them in, and one for each reader
 */
export async function writeSecrets(folder) {
  const all = join(folder, 'all');
  const of = secretsOf(await secrets(all), HOSTS);
  const [superuser, grafana] = await Promise.all(['postgres', 'grafana'].map((name) => password(join(all, name))));
  const adminUrl = `postgres://postgres:${superuser}@${HOSTS.postgres}/postgres`;
  const put = (reader, files, owner) =>
    Promise.all(Object.entries(files).map(([name, text]) => write(join(folder, reader, name), text, owner)));

  await put('postgres', { password: superuser }, ANYBODY);
  await put('grafana', { password: grafana }, ANYBODY);
  await put('nats', { 'nats.conf': brokerConfiguration(of.brokerUsers()) }, ROOT);
  await put('jobs', { 'admin-database-url': adminUrl, ...of.jobs() }, OURS);
  for (const name of services) await put(name, of.service(name), OURS);
  console.log('everybody has their secrets');
}

function brokerConfiguration(users) {
  // Whoever asks the server how it is has to be inside its container.
  return natsConfiguration({ host: '0.0.0.0', port: 4222, store: '/data', users, http: '127.0.0.1:8222' });
}

async function password(file) {
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept) return kept;
  const fresh = randomBytes(32).toString('base64url');
  await write(file, fresh, ROOT);
  return fresh;
}

/** In one step: a reader never finds half a secret. */
async function write(file, text, owner) {
  await writeFile(`${file}.new`, text, { mode: 0o400 });
  if (owner === ANYBODY) await chmod(`${file}.new`, 0o444);
  else await chown(`${file}.new`, owner, owner);
  await rename(`${file}.new`, file);
}
