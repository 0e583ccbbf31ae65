import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Edit } from './edits.js';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where what is built lies, and what Node compiles of it. */
export const CACHE = file('../.cache/faults');

const builds = new Map<string, Promise<string>>();

/** The folder with all services, built from the sources as they are now, but for these edits. Once per test process. */
export function built(changes: readonly Edit[]): Promise<string> {
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

/** Removes what has been built. */
export async function forgetBuilds(): Promise<void> {
  for (const [name, folder] of builds) {
    await rm(await folder, { recursive: true, force: true });
    builds.delete(name);
  }
}
