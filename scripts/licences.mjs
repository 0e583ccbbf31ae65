// node scripts/licences.mjs: writes into deploy/README.md which packages in the image have other licences than the usual ones.
// Needs the packages (npm start, npm test).
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { markdownTable, replaceBetween } from './lib/generated.mjs';
import { ensureInstalled, isThisNode, main, run } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';
import { shippedPackages } from './lib/shipped-packages.mjs';

/** Permissive licences that ask for nothing but their text. */
const USUAL = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'];
const COPYLEFT = /GPL|MPL|EPL|CDDL|OSL|EUPL|CC-BY-SA|Mozilla|GNU/;

/**
 * @typedef {object} Licence
 * @property {string} name of the package
 * @property {string} licence an SPDX expression, or what the package says instead
 */

/**
 * The licences of the packages in the image. A package for another platform is not installed: package-lock.json has its licence.
 * @returns {Licence[]}
 */
export function shippedLicences() {
  return shippedPackages().flatMap(({ path, name, license }) => [
    { name, licence: licenceIn(join(root, path)) ?? license ?? 'none stated' },
    ...bundledIn(path, name),
  ]);
}

/**
 * What package.json says. Old packages have a list of objects.
 * @param {string} folder
 * @returns {string | undefined}
 */
function licenceIn(folder) {
  try {
    const { license, licenses } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const stated = [license ?? licenses ?? []].flat();
    return stated.map((one) => one.type ?? one).join(' OR ') || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Copyleft licences that the notices of bundled code name: `<file>.LICENSE.txt` beside a bundle.
 * @param {string} path
 * @param {string} name of the package
 * @returns {Licence[]}
 */
function bundledIn(path, name) {
  const folder = join(root, path);
  /** @type {string[]} */
  let files = [];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.LICENSE.txt'));
  } catch {
    // It is for another platform.
  }
  const notices = files.flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  const found = new Set(notices.filter((line) => /@license/.test(line) && COPYLEFT.test(line)));
  return [...found].map((line) => {
    const [product = '', ...terms] = line.replace(/^.*@license\s+/, '').split(' | ');
    const licence = terms.find((term) => COPYLEFT.test(term)) ?? line;
    return { name: `${product} in ${name}`, licence: licence.replace(/^Released under the /, '') };
  });
}

/**
 * The packages whose licence is not one of the usual ones, by licence.
 * @param {Licence[]} licences
 */
export function unusualLicences(licences) {
  const unusual = licences.filter(({ licence }) => !USUAL.includes(licence));
  const byLicence = Map.groupBy(unusual, ({ licence }) => licence);
  const rows = [...byLicence].sort(([one], [other]) => (one < other ? -1 : 1));
  return markdownTable(
    ['licence', 'copyleft', 'packages'],
    rows.map(([licence, packages]) => [
      licence,
      COPYLEFT.test(licence) ? 'yes' : 'no',
      [...new Set(packages.map(({ name }) => name))].sort().join(', '),
    ]),
  );
}

export const LINES = { begin: '<!-- node scripts/licences.mjs -->', end: '<!-- end -->' };

if (argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const node = await ensureInstalled();
    if (!isThisNode(node)) return run(node, [fileURLToPath(import.meta.url)]);
    const file = join(root, 'deploy/README.md');
    const table = `\n${unusualLicences(shippedLicences())}\n`;
    await writeFile(file, replaceBetween(await readFile(file, 'utf8'), LINES, table));
  });
}
