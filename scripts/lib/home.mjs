import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, reachableByPostgres } from '#libs/local-servers';
import { Fault } from './prepare.mjs';
import { fallbackHome, usualHome } from './running.mjs';
import { brokerUsers, dataServices, guests } from './services.mjs';

/**
 * The folder that keeps everything between two starts: LEAVER_HOME, else `.leaver` in the project. Root's own folders are closed
 * to the account that PostgreSQL runs as; a project that lies in one keeps its state under /var/lib.
 */
export async function openHome() {
  const chosen = process.env.LEAVER_HOME;
  let home = usualHome();
  if (!process.env.DATABASE_URL && !(await reachableByPostgres(home))) {
    if (chosen)
      throw new Fault(`LEAVER_HOME=${home} can't be entered by the account that PostgreSQL runs as: choose another.`);
    home = fallbackHome();
  }
  await mkdir(home, { recursive: true, mode: 0o711 });
  await mkdir(join(home, 'logs'), { recursive: true, mode: 0o700 });
  return home;
}

/**
 * Makes this process the only one that uses the folder.
 * @returns how to tell others our addresses, and how to let go
 * @throws Fault when another one is running
 */
export async function claim(home) {
  const file = join(home, 'running.json');
  const mine = JSON.stringify({ pid: process.pid });
  const taken = await create(file, mine);
  if (taken) {
    const other = JSON.parse((await readFile(file, 'utf8')) || '{}');
    const alive = other.pid && other.pid !== process.pid && /(start|launch)\.mjs/.test(await commandLine(other.pid));
    if (alive) {
      const where = other.url ? ` at ${other.url}` : '';
      throw new Fault(`Leaver is already running${where} (process ${other.pid}) with its state in ${home}.`);
    }
    await rm(file, { force: true });
    if (await create(file, mine)) throw new Fault(`Another start has just begun in ${home}.`);
  }
  return {
    announce: (addresses) => replace(file, JSON.stringify({ pid: process.pid, ...addresses })),
    release: () => rm(file, { force: true }),
  };
}

/**
 * Passwords and keys of this installation, made at the first start and kept in a file only its owner can read.
 * @returns `{ master, contacts, integrations, databases: { [service]: { owner, runtime } }, nats: { [user]: password } }`
 */
export async function secrets(home) {
  const file = join(home, 'secrets.json');
  const kept = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
  const random = () => randomBytes(32).toString('base64url');
  const filled = {
    master: kept.master ?? random(),
    contacts: kept.contacts ?? random(),
    integrations: kept.integrations ?? random(),
    databases: Object.fromEntries(
      [...dataServices, ...guests].map((name) => [
        name,
        kept.databases?.[name] ?? { owner: random(), runtime: random() },
      ]),
    ),
    nats: Object.fromEntries(brokerUsers.map((name) => [name, kept.nats?.[name] ?? random()])),
  };
  await replace(file, JSON.stringify(filled, null, 2));
  return filled;
}

/** @returns whether the file was there already */
async function create(file, text) {
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.writeFile(text);
    await handle.close();
    return false;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return true;
  }
}

/** In one step: a crash leaves the old file or the new one, never half. */
async function replace(file, text) {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
