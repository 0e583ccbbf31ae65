/** What the program ends with. Scripts rely on it: see `leaver help`. */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3 };

/** Ends the command with a message for whoever called it. */
export class Ending extends Error {
  constructor(exitCode, message) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const usageFault = (message) => new Ending(EXIT.usage, message);

/** What an error of any kind comes to: `{ exitCode, message, problem? }`. */
export function endingOf(error) {
  if (error instanceof Ending) return { exitCode: error.exitCode, message: error.message };
  if (error.code?.startsWith?.('ERR_PARSE_ARGS')) return { exitCode: EXIT.usage, message: error.message };
  if (typeof error.status === 'number' && error.problem) return refusal(error);
  // What fetch throws when nobody answers.
  if (error instanceof TypeError && error.cause)
    return { exitCode: EXIT.unreachable, message: unreachable(error.cause) };
  return { exitCode: EXIT.failed, message: error.stack ?? String(error) };
}

function refusal({ status, code, problem }) {
  const { title, detail, errors = [] } = problem;
  const faults = errors.map(({ field, message }) => `\n  ${field}: ${message}`).join('');
  const message = `${detail ?? title ?? `Status ${status}`}${code ? ` (${code})` : ''}${faults}`;
  return { exitCode: status === 401 || status === 503 ? EXIT.unreachable : EXIT.failed, message, problem };
}

const unreachable = (cause) => `Leaver can’t be reached: ${cause.message || cause.code}`;
