import { access, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCOUNTS } from './nats-accounts.mjs';

/** NATS' own name of the account of users that are in none. Until 0.1 the streams were there. */
const FORMER_ACCOUNT = '$G';

/**
 * Moves the streams that a release before accounts has stored, while the broker is not running.
 * @param {string} dir the broker's folder
 */
export async function moveStoredStreams(dir) {
  const folder = join(dir, 'store/jetstream');
  const current = join(folder, ACCOUNTS.streams);
  const exists = await access(current).then(
    () => true,
    () => false,
  );
  if (exists) return;
  await rename(join(folder, FORMER_ACCOUNT), current).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
