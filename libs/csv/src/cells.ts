/** Null for one that is blank; undefined for a column that the file does not have. */
export type Cell = string | null | undefined;

/** PostgreSQL accepts no NUL in a text; the other control characters are rejected as mistakes. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * The values of a row at these indexes, without the blanks around them, also those within quotation marks, and composed (NFC); or a sentence that
 * says what is wrong with the row.
 * @param width of the heading
 */
export function readCells(
  fields: readonly string[],
  width: number,
  indexes: readonly (number | undefined)[],
): Cell[] | string {
  const { length } = fields;
  if (length !== width) return `The row has ${length} field${length === 1 ? '' : 's'}, the heading has ${width}.`;
  const cells = indexes.map((index) =>
    index === undefined ? undefined : fields[index]!.trim().normalize('NFC') || null,
  );
  return cells.some((cell) => cell && CONTROL.test(cell)) ? 'The row contains control characters.' : cells;
}
