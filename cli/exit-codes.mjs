import { describeChanges } from './departures/plan-changes.mjs';
import { HttpError, NoAnswerError } from './http-client.mjs';

/** The exit codes of the program. `leaver help` documents them, and scripts rely on them. */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3, timedOut: 4 };

/** Ends the command with a message and an exit code. */
export class CommandError extends Error {
  /**
   * @param {number} exitCode
   * @param {string} message
   */
  constructor(exitCode, message) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @param {string} message */
export const usageError = (message) => new CommandError(EXIT.usage, message);

/**
 * The exit code and the message for anything a command throws.
 * @param {unknown} error
 * @returns {{ exitCode: number, message: string, problem?: object }} `problem` is the API's response body
 */
export function describeError(error) {
  if (error instanceof CommandError) return { exitCode: error.exitCode, message: error.message };
  if (error instanceof HttpError) return describeHttpError(error);
  if (error instanceof NoAnswerError) return { exitCode: EXIT.timedOut, message: error.message };
  if (!(error instanceof Error)) return { exitCode: EXIT.failed, message: String(error) };
  if ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    return { exitCode: EXIT.usage, message: error.message };
  // fetch throws a TypeError with a cause when the connection fails.
  if (error instanceof TypeError && error.cause)
    return { exitCode: EXIT.unreachable, message: unreachable(error.cause) };
  return { exitCode: EXIT.failed, message: error.stack ?? error.message };
}

/** @param {HttpError} error */
function describeHttpError({ status, code, problem }) {
  const { title, detail, errors = [], changes = [], service } = problem;
  const fields = errors.map(({ field, message }) => `\n  ${field}: ${message}`).join('');
  const changed = describeChanges(changes).map((line) => `\n  ${line}`);
  const message = `${service ? `${service}: ` : ''}${detail ?? title ?? `Status ${status}`}${code ? ` (${code})` : ''}${fields}${changed.join('')}`;
  return { exitCode: status === 401 || status === 503 ? EXIT.unreachable : EXIT.failed, message, problem };
}

/** @param {unknown} cause */
function unreachable(cause) {
  const { message, code } = /** @type {NodeJS.ErrnoException} */ (cause);
  return `Leaver can’t be reached: ${message || code}`;
}
