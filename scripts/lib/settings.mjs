import { readFileSync } from 'node:fs';

/** @typedef {Record<string, string | undefined>} Environment */

/**
 * A variable of the environment, or the content of the file that <name>_FILE names; services read theirs the same way.
 * @param {Environment} env
 * @param {string} name
 */
export function setting(env, name) {
  const file = env[`${name}_FILE`];
  return file ? readFileSync(file, 'utf8').trim() : env[name];
}
