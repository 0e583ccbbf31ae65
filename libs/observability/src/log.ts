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
  /** The table and the constraint that the database names. */
  table?: string;
  constraint?: string;
  /** The innermost frames of the stack. */
  at?: string[];
}

export interface DatabaseErrorNames {
  sqlState?: string;
  table?: string;
  constraint?: string;
}

const SQLSTATE = /^[0-9A-Z]{5}$/;

/**
 * The SQLSTATE and the names in an error of PostgreSQL. Its texts (message, detail, hint, where) are left out, because they
 * quote values.
 */
export function databaseErrorNames(error: unknown): DatabaseErrorNames {
  const { code, severity, table, constraint } = (error ?? {}) as Record<string, unknown>;
  if (typeof severity !== 'string' || typeof code !== 'string' || !SQLSTATE.test(code)) return {};
  return {
    sqlState: code,
    ...(typeof table === 'string' && { table }),
    ...(typeof constraint === 'string' && { constraint }),
  };
}

const facts = new WeakMap<object, object>();

/** Adds facts to an error, such as the rule that failed: ids and names, for `safeErrorFields`. The first ones stay. */
export function addErrorFacts(error: unknown, added: object): void {
  if (typeof error === 'object' && error !== null) facts.set(error, { ...added, ...facts.get(error) });
}

/** The facts that `addErrorFacts` has added. */
export const errorFactsOf = (error: unknown): object =>
  (typeof error === 'object' && error !== null && facts.get(error)) || {};

/** The loggable fields of an unexpected error. The message is left out, because it may quote data. */
export function safeErrorFields(error: unknown): SafeErrorFields {
  if (!(error instanceof Error)) return { error: typeof error };
  const { code } = error as { code?: unknown };
  const { table, constraint } = databaseErrorNames(error);
  const at = error.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 6);
  return {
    error: error.constructor.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    ...(table && { table }),
    ...(constraint && { constraint }),
    ...errorFactsOf(error),
    ...(at?.length ? { at: at.map((line) => line.slice(7)) } : {}),
  };
}
