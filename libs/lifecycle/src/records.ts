import { sql } from 'kysely';
import type { Sql } from './relation.js';

type Columns = Readonly<Record<string, string>>;

/** The names of columns, for a relation's alias or a list of values. */
export const namesOf = (columns: Columns): Sql => sql.join(Object.keys(columns).map((name) => sql.id(name)));

/**
 * Rows as a function for `from`, which PostgreSQL reads in half the time that it takes for the same rows in JSON.
 * @param columns types by name; a type with arrays as its values is not among them
 */
export function arraysOf<C extends Columns>(rows: readonly Record<keyof C, unknown>[], columns: C): Sql {
  const arrays = Object.entries(columns).map(
    ([name, type]) => sql`${arrayText(rows.map((row) => row[name]))}::${sql.raw(type)}[]`,
  );
  return sql`unnest(${sql.join(arrays)})`;
}

/** An array as PostgreSQL writes it. The driver's own way looks for something to escape in every value, twice. */
const arrayText = (values: readonly unknown[]): string => `{${values.map(elementText).join()}}`;

function elementText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = value instanceof Date ? value.toISOString() : String(value);
  return `"${SPECIAL.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
}

const SPECIAL = /["\\]/;
