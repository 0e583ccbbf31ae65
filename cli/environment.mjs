import { setting } from '../scripts/lib/settings.mjs';
import { usageError } from './exit-codes.mjs';

/**
 * An environment variable, or the contents of the file that <name>_FILE names. Setting both is refused, as in services.
 * @param {string} name
 */
export function variable(name) {
  const { env } = process;
  const file = env[`${name}_FILE`];
  if (file && env[name]) throw usageError(`${name} and ${name}_FILE are both set; only one of them may be.`);
  try {
    return setting(env, name)?.trim() || undefined;
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw usageError(`${name}_FILE must name a file that can be read (${code}).`);
  }
}
