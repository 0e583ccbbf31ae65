import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build } from 'vite';
import { root } from './root.mjs';

const SOURCES = join(root, 'services/console');
const ASSETS = join(root, 'dist/console/assets');
/** The digest of what dist/console was built from. */
const STAMP = join(root, 'dist/console/built-from');

/** Builds the web console into dist/console and compresses its files, unless it was built from exactly these sources. */
export async function buildConsole() {
  const digest = await digestOfSources();
  if ((await readFile(STAMP, 'utf8').catch(() => '')) === digest) return;
  // Tests set another value, and React for development is three times as large.
  process.env.NODE_ENV = 'production';
  await build({ configFile: join(SOURCES, 'vite.config.ts'), logLevel: 'warn' });
  const files = await readdir(ASSETS);
  await Promise.all(files.map((file) => compressFile(join(ASSETS, file))));
  await writeFile(STAMP, digest);
}

async function digestOfSources() {
  const entries = await readdir(SOURCES, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const hash = createHash('sha256');
  for (const file of [...files.sort(), join(root, 'package-lock.json')]) hash.update(file).update(await readFile(file));
  return hash.digest('hex');
}

/** @param {string} file */
async function compressFile(file) {
  const text = await readFile(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(text, { params }));
  await writeFile(`${file}.gz`, await promisify(gzip)(text, { level: constants.Z_BEST_COMPRESSION }));
}
