/** @import { ParseArgsOptionsConfig } from 'node:util' */
import { parseArgs } from 'node:util';
import { commands } from './commands.mjs';
import { usageError } from './exit-codes.mjs';
import { timeLimitsIn } from './time-limits.mjs';

/** @type {ParseArgsOptionsConfig} */
const COMMON_OPTIONS = { json: { type: 'boolean' }, timeout: { type: 'string' }, help: { type: 'boolean' } };

/** @param {unknown} value */
const isBlank = (value) => typeof value === 'string' && value.trim() === '';

/**
 * Parses a command line: the command with its arguments, options and time limits.
 * @param {string[]} words what follows `leaver`
 * @throws CommandError, or an error of parseArgs, if they are not understood
 */
export function parseCommand([name = '', ...words]) {
  const command = commands.get(name);
  if (!command) throw usageError(`There is no command ${name}. leaver help lists them.`);
  /** @type {ParseArgsOptionsConfig} */
  const options = { ...command.options, ...COMMON_OPTIONS };
  const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
  if (!values.help && command.args !== 'any' && positionals.length !== command.args)
    throw usageError(`Usage: leaver ${command.usage}`);
  // Usually an unset variable in a script.
  if (positionals.some(isBlank)) throw usageError(`An argument is empty. Usage: leaver ${command.usage}`);
  const [empty] = Object.entries(values).find(([, value]) => [value].flat().some(isBlank)) ?? [];
  if (empty) throw usageError(`--${empty} is empty.`);
  const { timeout } = values;
  return { command, values, positionals, limits: timeLimitsIn(typeof timeout === 'string' ? timeout : undefined) };
}
