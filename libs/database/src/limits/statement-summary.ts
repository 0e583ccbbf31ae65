/** Only the beginning of a long statement is parsed. */
const BEGINNING = 4_000;
/** MikroORM inlines values into its statements, so quoted text is removed. */
const LITERAL = /'(?:[^']|'')*(?:'|$)/g;
/** What changes the scope of the connection in the same round trip. */
const SCOPE = /^(?:set [a-z_.]+ (?:= )?(?:none|\d+|"[^"]*"|'[^']*'); )+/;
/** Does not match `for update`, `for no key update` or `do update`. */
const CHANGE = /\b(insert\s+into|delete\s+from|(?<!\b(?:for|key|do)\s+)update)\s+(?:only\s+)?"?([a-z_]\w*)/i;
/** Does not match set-returning functions. */
const SOURCE = /\b(?:from|join)\s+(?!lateral\b|only\b|select\b)"?([a-z_]\w*)\b(?!\s*\()/gi;
/** Names that a `with` clause defines. */
const NAMED = /\b([a-z_]\w*)\s+as\s+(?:(?:not\s+)?materialized\s*)?\(/gi;

/** The operation and the table of a statement: the table that it changes, otherwise the first that it reads. */
export function summaryOf(text: string): { operation: string; table?: string } {
  const statement = text.slice(0, BEGINNING).replace(SCOPE, '').replace(LITERAL, '');
  const change = CHANGE.exec(statement);
  if (change) return { operation: change[1]!.split(/\s/)[0]!.toUpperCase(), table: change[2] };
  const operation = /[a-z]+/i.exec(statement)?.[0].toUpperCase() ?? 'UNKNOWN';
  const named = new Set(Array.from(statement.matchAll(NAMED), ([, name]) => name));
  const sources = Array.from(statement.matchAll(SOURCE), ([, name]) => name!);
  const table = sources.find((name) => !named.has(name));
  return { operation: operation === 'WITH' ? 'SELECT' : operation, table };
}
