/** @import { parseArgs, ParseArgsOptionsConfig } from 'node:util' */
/** @import { Terminal } from './terminal/terminal.mjs' */
/** @import { TimeLimits } from './time-limits.mjs' */

/**
 * The context of a running command.
 * @template {ParseArgsOptionsConfig} O
 * @template {0 | 1 | 'any'} A
 * @typedef {object} CommandContext
 * @property {A extends 1 ? [string] : string[]} args
 * @property {ReturnType<typeof parseArgs<{ options: O }>>['values']} values
 * @property {TimeLimits} limits
 * @property {Terminal} out standard output: the result
 * @property {Terminal} messages standard error: progress and messages
 * @property {(value: unknown, show: () => void) => void} report writes the value as JSON with --json, else calls `show`
 */

/**
 * A command. `args` is the number of its arguments.
 * @template {ParseArgsOptionsConfig} O
 * @template {0 | 1 | 'any'} A
 * @typedef {object} Command
 * @property {string} usage
 * @property {string} about
 * @property {A} args
 * @property {O} [options]
 * @property {(context: CommandContext<O, A>) => Promise<number>} run returns the exit code
 */

/**
 * Declares a command, with the types of its arguments and options.
 * @template {ParseArgsOptionsConfig} const O
 * @template {0 | 1 | 'any'} A
 * @param {Command<O, A>} command
 */
export const defineCommand = (command) => command;
