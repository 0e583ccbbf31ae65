import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { root } from './root.mjs';

/**
 * The Leaver that runs on this machine, as its state folder says.
 * @typedef {object} Running
 * @property {number} pid
 * @property {string} url the gateway's address
 * @property {string} operator the broker's address for its user `operator`
 * @property {string} [operatorKey] the operator's private key; older versions have none
 */

/** The state folder: LEAVER_HOME, else `.leaver` in the project. */
export const defaultHome = () => resolve(root, process.env.LEAVER_HOME || '.leaver');

/** The state folder if PostgreSQL's account cannot enter the default one. */
export const fallbackHome = () => `/var/lib/leaver-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;

/** The gateway's address of the Leaver that runs on this machine. */
export const runningUrl = async () => (await running())?.url;

/** @returns {Promise<Running | undefined>} */
export async function running() {
  for (const home of [defaultHome(), ...(process.env.LEAVER_HOME ? [] : [fallbackHome()])]) {
    const file = join(home, 'running.json');
    // While Leaver starts, the file may be incomplete.
    const found = await readFile(file, 'utf8')
      .then(JSON.parse)
      .catch(() => undefined);
    if (found?.url && isAlive(found.pid)) return found;
  }
  return undefined;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // The process belongs to another user.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
