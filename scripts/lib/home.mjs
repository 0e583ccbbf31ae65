/** @import { RolePasswords } from '#libs/local-servers' */
/** @import { Running } from './running.mjs' */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, newServiceKey, publicServiceKey, reachableByPostgres } from '#libs/local-servers';
import { replace } from './files.mjs';
import { UserError } from './prepare.mjs';
import { fallbackHome, defaultHome } from './running.mjs';
import { brokerUsers, dataServices, externalServices, signers } from './services.mjs';

/**
 * Passwords and keys of an installation. `databases` is by service, `nats` by user of the broker.
 * @typedef {object} Secrets
 * @property {string} master
 * @property {string} contacts
 * @property {string} integrations
 * @property {string} notifications
 * @property {Record<string, RolePasswords>} databases
 * @property {Record<string, string>} nats
 * @property {Record<string, string>} serviceKeys private keys of those that sign their calls, by name
 * @property {Record<string, string>} subscribers passwords of those that `leaver subscribers` has added, by name
 */

/**
 * Creates the state folder: LEAVER_HOME, otherwise `.leaver` in the project. PostgreSQL's account cannot enter root's home
 * folder, so a project in there keeps its state under /var/lib.
 */
export async function openHome() {
  const chosen = process.env.LEAVER_HOME;
  let home = defaultHome();
  if (!process.env.DATABASE_URL && !(await reachableByPostgres(home))) {
    if (chosen)
      throw new UserError(
        `LEAVER_HOME=${home} is not accessible to the account that PostgreSQL runs as: choose another folder.`,
      );
    home = fallbackHome();
  }
  await mkdir(home, { recursive: true, mode: 0o711 });
  await mkdir(join(home, 'logs'), { recursive: true, mode: 0o700 });
  return home;
}

/**
 * Locks the state folder for this process.
 * @param {string} home
 * @returns `announce` publishes the addresses for other programs on this machine, `release` unlocks the folder
 * @throws UserError if another process runs Leaver with this folder
 */
export async function lockHome(home) {
  const file = join(home, 'running.json');
  const mine = JSON.stringify({ pid: process.pid });
  const taken = await createFile(file, mine);
  if (taken) {
    const other = JSON.parse((await readFile(file, 'utf8')) || '{}');
    const alive = other.pid && other.pid !== process.pid && /(start|launch)\.mjs/.test(await commandLine(other.pid));
    if (alive) {
      const where = other.url ? ` at ${other.url}` : '';
      throw new UserError(`Leaver is already running${where} (process ${other.pid}) with its state in ${home}.`);
    }
    await rm(file, { force: true });
    if (await createFile(file, mine)) throw new UserError(`Another start has just begun in ${home}.`);
  }
  return {
    /** @param {Omit<Running, 'pid'>} addresses */
    announce: (addresses) => replace(file, JSON.stringify({ pid: process.pid, ...addresses })),
    release: () => rm(file, { force: true }),
  };
}

/**
 * Reads the secrets of this installation and generates missing ones. The file is readable only by its owner.
 * @param {string} home
 * @returns {Promise<Secrets>}
 */
export async function readSecrets(home) {
  const file = join(home, 'secrets.json');
  /** @type {Partial<Secrets>} */
  const kept = JSON.parse((await readIfExists(file)) ?? '{}');
  const random = () => randomBytes(32).toString('base64url');
  const filled = {
    master: kept.master ?? random(),
    contacts: kept.contacts ?? random(),
    integrations: kept.integrations ?? random(),
    notifications: kept.notifications ?? random(),
    databases: Object.fromEntries(
      [...dataServices, ...externalServices].map((name) => [
        name,
        kept.databases?.[name] ?? { owner: random(), runtime: random() },
      ]),
    ),
    nats: Object.fromEntries(brokerUsers.map((name) => [name, kept.nats?.[name] ?? random()])),
    // Also those of external services that are not running now.
    serviceKeys: {
      ...kept.serviceKeys,
      ...Object.fromEntries(signers.map((name) => [name, kept.serviceKeys?.[name] ?? newServiceKey()])),
    },
    subscribers: kept.subscribers ?? {},
  };
  await replace(file, JSON.stringify(filled, null, 2));
  return filled;
}

/**
 * SERVICE_PUBLIC_KEYS: the public keys of all that sign their calls.
 * @param {Secrets} secrets
 */
export const publicKeysOf = ({ serviceKeys }) =>
  JSON.stringify(Object.fromEntries(Object.entries(serviceKeys).map(([name, key]) => [name, publicServiceKey(key)])));

/**
 * @param {string} file
 * @param {string} text
 * @returns whether the file existed already
 */
async function createFile(file, text) {
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.writeFile(text);
    await handle.close();
    return false;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    return true;
  }
}

/**
 * The content of a file, or undefined if it does not exist. Any other error must not look like a missing file: new keys would
 * replace those that the data is encrypted with.
 * @param {string} file
 */
export async function readIfExists(file) {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}
