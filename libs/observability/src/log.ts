/** The log of a service; pino's loggers implement it. Facts are ids, counts and codes, never personal data. */
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
  /** The innermost frames of the stack. */
  at?: string[];
}

/** The loggable fields of an unexpected error. The message is left out, because it may quote data. */
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
