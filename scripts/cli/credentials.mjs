import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Api } from '../lib/demo-api.mjs';
import { runningUrl, usualHome } from '../lib/running.mjs';
import { Ending, EXIT } from './ending.mjs';

const USUAL_URL = 'http://localhost:3000';
const file = () => join(usualHome(), 'credentials.json');

/** What `login` has put down: `{ url, token, tokenId }`, or nothing. */
export const kept = () => readFile(file(), 'utf8').then(JSON.parse, () => undefined);

/** The gateway's address: LEAVER_URL, else where one has signed in, else what runs on this machine. */
export async function addressOfGateway() {
  const url = process.env.LEAVER_URL || (await kept())?.url || (await runningUrl()) || USUAL_URL;
  return url.replace(/\/+$/, '');
}

/** The API as whoever LEAVER_TOKEN or `login` says. A token that was put down goes nowhere but where it came from. */
export async function signedIn() {
  const url = await addressOfGateway();
  const stored = await kept();
  const token = process.env.LEAVER_TOKEN || (stored?.url === url ? stored.token : undefined);
  if (!token)
    throw new Ending(
      EXIT.unreachable,
      `Not signed in at ${url}. Set LEAVER_TOKEN to an API token, or use: leaver login`,
    );
  return new Api(url, token);
}

/** Readable for its owner alone. */
export async function keep(credentials) {
  const fresh = `${file()}.new`;
  await mkdir(dirname(fresh), { recursive: true, mode: 0o711 });
  await rm(fresh, { force: true });
  await writeFile(fresh, JSON.stringify(credentials), { mode: 0o600, flag: 'wx' });
  await rename(fresh, file());
}

export const forget = () => rm(file(), { force: true });
