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
export const translate = (filename, more = {}) =>
  transformSync(readFileSync(filename, 'utf8'), { ...settings, filename, swcrc: false, ...more }).code;
