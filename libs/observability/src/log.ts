/** The log of a service; pino's loggers are such. Facts are ids, counts and codes, never anybody's data. */
export abstract class Log {
  abstract debug(facts: object, message: string): void;
  abstract info(facts: object, message: string): void;
  abstract warn(facts: object, message: string): void;
  abstract error(facts: object, message: string): void;
}

export interface SafeErrorFields {
  /** The error's class. */
  error: string;
  /** An error code of ours, a SQLSTATE or a system error. */
  code?: string;
  /** The innermost places of the stack. */
  at?: string[];
}

/** What may be logged of an unexpected error: its message stays out, because it may quote the row or text that it is about. */
export function safeErrorFields(error: unknown): SafeErrorFields {
  if (!(error instanceof Error)) return { error: typeof error };
  const { code } = error as { code?: unknown };
  const at = error.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 6);
  return {
    error: error.constructor.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    ...(at?.length ? { at: at.map((line) => line.slice(7)) } : {}),
  };
}
