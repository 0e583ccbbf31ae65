import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VERSION = '2.11.17';
/** SHA-256 checksums of the archives, as pinned in the official image's Dockerfile. */
const CHECKSUMS: Record<string, string | undefined> = {
  'linux-amd64': 'ad608dd0ea8bbfa58c40e3b8f58ed67478eec26166ec49c502db8d17589b51b5',
  'linux-arm64': 'd21df24f262f34f8bf6d1f0bca557c08429e433fd9f60f6983105539ae517feb',
};
/** The first Debian release with a recent enough nats-server. Its binary also runs on older releases. */
const DEBIAN = 'trixie';
const DEBIAN_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Downloads the official release to the file `target` and returns its path. Refuses an archive with a wrong checksum.
 */
export async function natsFromRelease(target: string): Promise<string> {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const expected = CHECKSUMS[platform];
  if (!expected) throw new Error(`no checksum is known for ${platform}`);
  const name = `nats-server-v${VERSION}-${platform}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${VERSION}/${name}.tar.gz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) }).catch((error) => {
    throw new Error(`${new URL(url).host} cannot be reached (${error.cause?.code ?? error.message})`);
  });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const archive = Buffer.from(await response.arrayBuffer());
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) throw new Error(`${url} has the checksum ${actual} instead of ${expected}`);
  return inScratch(target, async (scratch) => {
    await writeFile(join(scratch, 'nats.tar.gz'), archive);
    await run('tar', ['-xzf', 'nats.tar.gz'], { cwd: scratch, timeout: 60_000 });
    return join(scratch, name, 'nats-server');
  });
}

/**
 * Downloads Debian's package from this machine's configured mirror to the file `target`, without root and without
 * installing it. apt verifies the repository's signature with Debian's own keys.
 */
export async function natsFromApt(target: string): Promise<string> {
  const mirrors = await debianMirrors();
  if (mirrors.length === 0) throw new Error('this system has no Debian package source');
  const faults: string[] = [];
  for (const mirror of mirrors) {
    try {
      return await inScratch(target, (scratch) => unpackFrom(mirror, scratch));
    } catch (error) {
      faults.push((error as Error).message.trim());
    }
  }
  throw new Error(faults.join('; '));
}

async function unpackFrom(mirror: string, scratch: string): Promise<string> {
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    await mkdir(join(scratch, folder), { recursive: true });
  await writeFile(join(scratch, 'sources.list'), `deb [signed-by=${DEBIAN_KEYS}] ${mirror} ${DEBIAN} main\n`);
  const options = Object.entries({
    'Dir::Etc::sourcelist': join(scratch, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(scratch, 'lists'),
    'Dir::Cache': join(scratch, 'cache'),
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '20',
    'Acquire::Languages': 'none',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const step = { cwd: scratch, timeout: 120_000 };
  await run('apt-get', ['-qq', ...options, 'update'], step);
  await run('apt-get', ['-qq', ...options, 'download', 'nats-server'], step);
  const archive = (await readdir(scratch)).find((file) => file.endsWith('.deb'));
  if (!archive) throw new Error('apt downloaded nothing');
  await run('dpkg-deb', ['-x', archive, 'unpacked'], step);
  return join(scratch, 'unpacked/usr/sbin/nats-server');
}

/** The Debian mirrors in this machine's apt configuration. */
async function debianMirrors(): Promise<string[]> {
  const folder = '/etc/apt/sources.list.d';
  const files = [...(await readdir(folder).catch(() => [])).map((file) => join(folder, file)), '/etc/apt/sources.list'];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return mirrorsIn(texts.join('\n'));
}

/** The Debian archives in apt's configuration, in either notation (.sources or .list). */
export function mirrorsIn(text: string): string[] {
  const words = text
    .split('\n')
    .filter((line) => /^(URIs:|deb\s)/.test(line))
    .flatMap((line) => line.split(/\s+/))
    .map((word) => word.replace(/\/+$/, ''));
  return [...new Set(words.filter((word) => /^https?:\/\/.*\/debian$/.test(word)))];
}

/** Runs `unpack` in a scratch folder beside `target` and moves the file it returns to `target` atomically. */
async function inScratch(target: string, unpack: (scratch: string) => Promise<string>): Promise<string> {
  const scratch = await mkdtemp(join(dirname(target), 'download-'));
  try {
    const unpacked = await unpack(scratch);
    await copyFile(unpacked, join(scratch, 'ready'));
    await rename(join(scratch, 'ready'), target);
    return target;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
