import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { natsFromApt, natsFromRelease } from './nats-downloads.js';

/** A way to run nats-server: a program, or an image for a Docker engine. */
export type NatsServer = { program: string } | { image: string };

export type OnProgress = (text: string) => void;

/** Older servers lack consumers with several filters, which the broker library needs. */
const OLDEST = [2, 10] as const;
/** As in docker-compose.yml. */
const IMAGE = 'nats:2-alpine';

/**
 * Finds a nats-server of at least version 2.10, or downloads one to `cacheDir`. The first that works is used: the path
 * in NATS_SERVER, PATH, `cacheDir`, the release on GitHub, Debian's package, a Docker engine. Nothing outside
 * `cacheDir` is changed.
 * @throws Error listing every way that was tried and what to do
 */
export async function findNatsServer(cacheDir: string, onProgress: OnProgress = () => undefined): Promise<NatsServer> {
  const chosen = process.env.NATS_SERVER;
  if (chosen) return { program: await suitable(resolve(chosen)) };
  const cached = join(resolve(cacheDir), 'nats-server');
  const installed = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'nats-server'));
  for (const candidate of [...installed, cached]) {
    const found = await suitable(candidate).catch(() => undefined);
    if (found) return { program: found };
  }
  await mkdir(resolve(cacheDir), { recursive: true });
  const ways: [string, () => Promise<NatsServer>][] = [
    ["the project's release", async () => ({ program: await suitable(await natsFromRelease(cached)) })],
    ["Debian's package", async () => ({ program: await suitable(await natsFromApt(cached)) })],
    ['a Docker engine', natsImage],
  ];
  const faults: string[] = [];
  for (const [name, get] of ways) {
    onProgress(`getting nats-server: ${name}`);
    try {
      return await get();
    } catch (error) {
      faults.push(`  - ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `No nats-server ${OLDEST.join('.')} or newer was found in PATH, and none could be fetched:\n${faults.join('\n')}\n` +
      'Install one (https://docs.nats.io/running-a-nats-service/introduction/installation), or name it with ' +
      'NATS_SERVER=/path/to/nats-server, or use a running one with NATS_URL.',
  );
}

/** @throws Error if the program does not run or is too old */
async function suitable(program: string): Promise<string> {
  await access(program, constants.X_OK);
  const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: 10_000 });
  const [, major = 0, minor = 0] = (/^nats-server: v(\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  const newEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  if (!newEnough)
    throw new Error(`${program} is ${stdout.trim()}, but ${OLDEST.join('.')} is the oldest supported version`);
  return program;
}

/** The official image, or that in NATS_IMAGE, pulled if necessary. @throws Error if no Docker engine responds */
export async function natsImage(): Promise<NatsServer> {
  const docker = promisify(execFile);
  await docker('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000 }).catch(() => {
    throw new Error('no Docker engine responds');
  });
  const image = process.env.NATS_IMAGE || IMAGE;
  const present = await docker('docker', ['image', 'inspect', image], { timeout: 10_000 }).catch(() => undefined);
  if (!present) await docker('docker', ['pull', '--quiet', image], { timeout: 120_000 });
  return { image };
}
