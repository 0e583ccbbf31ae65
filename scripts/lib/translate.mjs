/** @import { Options } from '@swc/core' */
import { readFileSync } from 'node:fs';
import { transformSync } from '@swc/core';
import jest from '../../jest.config.js';

const [, settings] = /** @type {[string, Options]} */ (jest.transform['^.+\\.ts$']);

/**
 * A TypeScript file as JavaScript, just as the tests have it: what they have tested is what runs.
 * @param {string} filename
 * @param {Options} [more] further settings of swc
 */
export const translate = (filename, more = {}) =>
  transformSync(readFileSync(filename, 'utf8'), { ...settings, filename, swcrc: false, ...more }).code;
