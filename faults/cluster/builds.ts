import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Edit } from '../edits.js';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The folder of the builds and of Node's compile cache. */
export const CACHE = file('../../.cache/faults');

const builds = new Map<string, Promise<string>>();

/** Builds all services from the current sources with these edits, once per test process. @returns the folder */
export function buildOnce(changes: readonly Edit[]): Promise<string> {
  const edits = JSON.stringify(changes);
  const name = createHash('sha1').update(edits).digest('hex').slice(0, 12);
  const folder = join(CACHE, `${process.pid}-${name}`);
  if (!builds.has(name))
    builds.set(
      name,
      promisify(execFile)(process.execPath, [file('build.mjs'), folder, edits]).then(() => folder),
    );
  return builds.get(name)!;
}

/** Removes all builds. */
export async function removeBuilds(): Promise<void> {
  for (const [name, folder] of builds) {
    await rm(await folder, { recursive: true, force: true });
    builds.delete(name);
  }
}
