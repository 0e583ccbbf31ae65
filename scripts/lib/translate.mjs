/** @import { Options } from '@swc/core' */
import { readFileSync } from 'node:fs';
import { transformSync } from '@swc/core';
import jest from '../../jest.config.js';

const [, settings] = /** @type {[string, Options]} */ (jest.transform['^.+\\.ts$']);

/**
 * Compiles a TypeScript file with the settings of the tests, so that the tested code is the code that runs.
 * @param {string} filename
 * @param {Options} [more] further settings of swc
 */
export const translate = (filename, more = {}) => transform(filename, more).code;

/**
 * Compiles a TypeScript file, and returns the source map beside the code.
 * @param {string} filename
 * @param {string} source the path of the source in the map
 */
export function translateWithMap(filename, source) {
  const { code, map = '' } = transform(filename, {
    sourceMaps: true,
    sourceFileName: source,
    inlineSourcesContent: false,
  });
  return { code, map };
}

/**
 * @param {string} filename
 * @param {Options} more
 */
const transform = (filename, more) =>
  transformSync(readFileSync(filename, 'utf8'), { ...settings, filename, swcrc: false, ...more });
