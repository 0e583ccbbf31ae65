import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { translateWithMap } from './translate.mjs';

/**
 * Compiles a TypeScript file and writes its source map beside it, so that positions in the log point into the sources.
 * @param {string} source
 * @param {string} target
 */
export async function compile(source, target) {
  await mkdir(dirname(target), { recursive: true });
  const { code, map } = translateWithMap(source, relative(dirname(target), source));
  await writeFile(target, `${code}//# sourceMappingURL=${basename(target)}.map\n`);
  await writeFile(`${target}.map`, map);
}
