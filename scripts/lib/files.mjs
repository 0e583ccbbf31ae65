import { rename, writeFile } from 'node:fs/promises';

/**
 * Replaces a file atomically. Only its owner can read it.
 * @param {string} file
 * @param {string} text
 */
export async function replace(file, text) {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
