import { chmod, mkdtemp, statfs } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsServer, reachableByPostgres } from '#libs/local-servers';

/** What the setup of the test run has prepared for all test files. */
export interface TestRun {
  adminUrl: string;
  natsServer: NatsServer;
  /** Removed when the run is over. */
  dir: string;
}

const VARIABLE = 'LEAVER_TEST_RUN';

export function announceTestRun(run: TestRun): void {
  process.env[VARIABLE] = JSON.stringify(run);
}

/** @throws Error outside of a test run */
export function testRun(): TestRun {
  const announced = process.env[VARIABLE];
  if (!announced) throw new Error('no test run has been set up: start the tests with npm test');
  return JSON.parse(announced);
}

/** Bytes that must be free before the databases of a run are kept in memory. */
const ROOM_IN_MEMORY = 4 * 1024 ** 3;

/**
 * Creates a folder for temporary files that PostgreSQL can access under its account. It is in memory if there is
 * enough: copying a template database takes 25 ms there, but up to 300 ms on a disk.
 */
export async function temporaryFolder(): Promise<string> {
  for (const parent of [...(await memoryFolder()), tmpdir(), '/tmp', '/var/tmp']) {
    if (!(await reachableByPostgres(parent))) continue;
    const folder = await mkdtemp(join(parent, 'leaver-'));
    // Other users may pass through, which PostgreSQL needs under another account, but not list it.
    await chmod(folder, 0o711);
    return folder;
  }
  throw new Error('PostgreSQL has no temporary folder it may use: set TMPDIR to one that every user may enter');
}

async function memoryFolder(): Promise<string[]> {
  const folder = '/dev/shm';
  const { bavail, bsize } = await statfs(folder).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize >= ROOM_IN_MEMORY && freemem() >= ROOM_IN_MEMORY ? [folder] : [];
}
