/** @import { TimeLimits } from './time-limits.mjs' */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runningUrl, defaultHome } from '../scripts/lib/running.mjs';
import { variable } from './environment.mjs';
import { CommandError, EXIT, usageError } from './exit-codes.mjs';
import { HttpClient } from './http-client.mjs';

const DEFAULT_URL = 'http://localhost:3000';
const file = () => join(defaultHome(), 'credentials.json');

/** @typedef {{ url: string, token: string, tokenId: string }} Credentials */

/**
 * The credentials that `login` has stored. An unreadable file counts as not signed in.
 * @returns {Promise<Credentials | undefined>}
 */
export const storedCredentials = () =>
  readFile(file(), 'utf8')
    .then(JSON.parse)
    .catch(() => undefined);

/** The gateway's URL: LEAVER_URL, otherwise where the user has signed in, otherwise the gateway on this machine. */
export async function gatewayUrl() {
  const url = variable('LEAVER_URL') || (await storedCredentials())?.url || (await runningUrl()) || DEFAULT_URL;
  return url.replace(/\/+$/, '');
}

/**
 * A client with LEAVER_TOKEN or the stored token. A stored token is sent only to the gateway that issued it.
 * @param {TimeLimits} limits
 */
export async function signedInClient({ answer }) {
  const url = await gatewayUrl();
  const stored = await storedCredentials();
  const token = variable('LEAVER_TOKEN') || (stored && stored.url === url ? stored.token : undefined);
  if (!token)
    throw new CommandError(
      EXIT.unreachable,
      `Not signed in at ${url}. Set LEAVER_TOKEN to an API token, or use: leaver login`,
    );
  // fetch would repeat the token in its error.
  if (!/^[\x21-\x7e]+$/.test(token)) throw usageError('LEAVER_TOKEN is not an API token.');
  return new HttpClient(url, token, undefined, answer);
}

/**
 * Stores the credentials in a file that only its owner can read.
 * @param {Credentials} credentials
 */
export async function storeCredentials(credentials) {
  const fresh = `${file()}.new`;
  await mkdir(dirname(fresh), { recursive: true, mode: 0o711 });
  await rm(fresh, { force: true });
  await writeFile(fresh, JSON.stringify(credentials), { mode: 0o600, flag: 'wx' });
  await rename(fresh, file());
}

export const removeCredentials = () => rm(file(), { force: true });
