/**
 * Replaces the content between two marker lines, which stay.
 * @param {string} text
 * @param {{ begin: string, end: string }} lines
 * @param {string} content
 */
export function replaceBetween(text, { begin, end }, content) {
  const [before, rest = ''] = text.split(`${begin}\n`);
  const after = rest.split(`${end}\n`)[1];
  if (after === undefined) throw new Error(`The lines "${begin}" and "${end}" are missing.`);
  return `${before}${begin}\n${content}\n${end}\n${after}`;
}

/**
 * A table in Markdown, as Prettier formats it.
 * @param {string[]} heading
 * @param {string[][]} rows
 */
export function markdownTable(heading, rows) {
  const widths = heading.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  /** @param {string[]} cells */
  const line = (cells) => `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(heading), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
