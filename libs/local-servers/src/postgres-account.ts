import { execFile } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';

/** The account that PostgreSQL runs under, if it is not the current user. */
export interface SystemAccount {
  uid: number;
  gid: number;
}

/**
 * PostgreSQL refuses to run as root. For root this returns another account: the owner of existing data, otherwise
 * `postgres`, otherwise `nobody`, which every system has. Returns undefined for any other user.
 */
export async function postgresAccount(dataFolder: string): Promise<SystemAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const data = await stat(dataFolder).catch(() => undefined);
  if (data && data.uid !== 0) return { uid: data.uid, gid: data.gid };
  const account = (await accountNamed('postgres')) ?? (await accountNamed('nobody'));
  if (!account)
    throw new Error('PostgreSQL must not run as root, and there is no user "postgres" or "nobody" to run it as');
  return account;
}

async function accountNamed(name: string): Promise<SystemAccount | undefined> {
  const id = async (flag: string) => Number((await promisify(execFile)('id', [flag, name])).stdout);
  return Promise.all([id('-u'), id('-g')]).then(
    ([uid, gid]) => ({ uid, gid }),
    () => undefined,
  );
}

/**
 * Whether PostgreSQL's account can access this folder, which need not exist yet. An account other than root may not
 * enter /root, for example.
 */
export async function reachableByPostgres(folder: string): Promise<boolean> {
  const account = await postgresAccount(folder);
  const wanted = resolve(folder);
  if (!account) return canSearch(await nearestExisting(wanted));
  for (let at = wanted; ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found && !searchable(found, account)) return false;
    if (at === dirname(at)) return true;
  }
}

function searchable({ mode, uid, gid }: { mode: number; uid: number; gid: number }, account: SystemAccount): boolean {
  if (uid === account.uid) return (mode & 0o100) !== 0;
  if (gid === account.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}

async function nearestExisting(folder: string): Promise<string> {
  const exists = await stat(folder).then(Boolean, () => false);
  return exists || folder === dirname(folder) ? folder : nearestExisting(dirname(folder));
}

function canSearch(folder: string): Promise<boolean> {
  return access(folder, constants.X_OK).then(
    () => true,
    () => false,
  );
}
