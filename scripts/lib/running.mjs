import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { root } from './root.mjs';

/** The state folder: LEAVER_HOME, else `.leaver` in the project. */
export const usualHome = () => resolve(root, process.env.LEAVER_HOME || '.leaver');

/** Where the state goes when the account that PostgreSQL runs as can't enter the usual folder. */
export const fallbackHome = () => `/var/lib/leaver-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;

/** @returns the address of the Leaver that runs on this machine, or undefined */
export const runningUrl = async () => (await running())?.url;

/** @returns `{ url, operator }` of the Leaver that runs on this machine: the API's address, and the broker's for its operator */
export async function running() {
  for (const home of [usualHome(), ...(process.env.LEAVER_HOME ? [] : [fallbackHome()])]) {
    const found = await readFile(join(home, 'running.json'), 'utf8').then(JSON.parse, () => undefined);
    if (found?.url && isAlive(found.pid)) return found;
  }
  return undefined;
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}
