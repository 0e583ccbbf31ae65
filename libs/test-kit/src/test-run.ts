import { chmod, mkdtemp, statfs } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsServer, reachableByPostgres } from '#libs/local-servers';

/** What the test run's set-up prepared for every test file. */
export interface TestRun {
  adminUrl: string;
  natsServer: NatsServer;
  /** Emptied and removed when the run is over. */
  dir: string;
}

const VARIABLE = 'LEAVER_TEST_RUN';

export function announceTestRun(run: TestRun): void {
  process.env[VARIABLE] = JSON.stringify(run);
}

/** @throws Error outside a test run. */
export function testRun(): TestRun {
  const announced = process.env[VARIABLE];
  if (!announced) throw new Error('no test run has been set up: start the tests with npm test');
  return JSON.parse(announced);
}

/** What the databases of a whole run may come to, with room to spare. */
const ROOM_IN_MEMORY = 4 * 1024 ** 3;

/**
 * A new folder for temporary files that PostgreSQL can use whatever account it runs as. It lies in memory when there is
 * plenty: copying a template database takes 25 ms there and up to 300 on a disk.
 */
export async function temporaryFolder(): Promise<string> {
  for (const parent of [...(await memoryFolder()), tmpdir(), '/tmp', '/var/tmp']) {
    if (!(await reachableByPostgres(parent))) continue;
    const folder = await mkdtemp(join(parent, 'leaver-'));
    // Others may pass through, as PostgreSQL has to when it runs as somebody else, but not look around.
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
