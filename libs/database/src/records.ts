import { sql, type RawBuilder } from 'kysely';

type Columns = Readonly<Record<string, string>>;

/** The names of columns, separated by commas, for a column list. */
export const namesOf = (columns: Columns): RawBuilder<unknown> =>
  sql.join(Object.keys(columns).map((name) => sql.id(name)));

/**
 * Rows as a relation for `from`. PostgreSQL reads it in half the time that the same rows take as JSON. Needs at least
 * one row.
 * @param columns types by name. A `json` or `jsonb` column takes any value; other array types are not supported
 */
export function relationOf<C extends Columns>(
  name: string,
  rows: readonly Record<keyof C, unknown>[],
  columns: C,
): RawBuilder<unknown> {
  const all = Object.entries(columns);
  const plain = all.filter(([, type]) => !isDocument(type));
  const documents = all.filter(([, type]) => isDocument(type));
  const arrays = plain.map(([column, type]) => sql`${arrayText(rows.map((row) => row[column]))}::${sql.raw(type)}[]`);
  // Serialised JSON has no line breaks. As array elements, documents would need every quotation mark escaped.
  const lists = documents.map(
    ([column]) => sql`string_to_table(${rows.map((row) => JSON.stringify(row[column] ?? null)).join('\n')}, e'\\n')`,
  );
  const selected = all.map(([column, type]) =>
    isDocument(type) ? sql`nullif(${sql.id(column)}, 'null')::${sql.raw(type)} as ${sql.id(column)}` : sql.id(column),
  );
  const found = [...plain, ...documents].map(([column]) => sql.id(column));
  return sql`(select ${sql.join(selected)}
    from rows from (${sql.join([sql`unnest(${sql.join(arrays)})`, ...lists])}) as r (${sql.join(found)})) as ${sql.id(name)}`;
}

const isDocument = (type: string): boolean => type === 'json' || type === 'jsonb';

/** An array literal. The driver's own conversion scans every value for special characters twice. */
const arrayText = (values: readonly unknown[]): string => `{${values.map(elementText).join()}}`;

function elementText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = value instanceof Date ? value.toISOString() : String(value);
  return `"${SPECIAL.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
}

const SPECIAL = /["\\]/;
