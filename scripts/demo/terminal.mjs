import { stripVTControlCharacters } from 'node:util';

const { env, stdout } = process;
const WIDTH = Math.max(80, Math.min(100, stdout.columns || 100));
const MIN_LAST_COLUMN = 12;
const STYLED = env.NO_COLOR === undefined && stdout.isTTY === true && env.TERM !== 'dumb';

/** @typedef {(text: string) => string} Style */

/** @type {(on: number, off: number) => Style} */
const style = (on, off) => (text) => (STYLED ? `\x1b[${on}m${text}\x1b[${off}m` : text);
export const bold = style(1, 22);
export const dim = style(2, 22);
export const red = style(31, 39);
export const green = style(32, 39);
export const yellow = style(33, 39);
export const cyan = style(36, 39);

/** @param {string} text */
const length = (text) => stripVTControlCharacters(text).length;
/** @type {(text: string, width: number) => string} */
const padEnd = (text, width) => text + ' '.repeat(Math.max(0, width - length(text)));
/** @type {(text: string, width: number) => string} */
const padStart = (text, width) => ' '.repeat(Math.max(0, width - length(text))) + text;

/**
 * Breaks a text between words; a word longer than the line is cut.
 * @param {string} text
 * @param {number} width
 */
function wrap(text, width) {
  /** @type {string[]} */
  const lines = [];
  let current = '';
  for (const word of text.split(/\s+/)) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current].flatMap((line) =>
    line.length <= width ? [line] : (line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? []),
  );
}

export const print = (line = '') => console.log(line);

/**
 * Starts a chapter.
 * @param {string} title
 * @param {string} [sentence]
 */
export function chapter(title, sentence) {
  print(`\n${bold(cyan(`━━ ${title} ${'━'.repeat(Math.max(0, WIDTH - title.length - 4))}`))}`);
  if (sentence) paragraph(sentence);
  print();
}

/**
 * Prints a text with `before` in front of its first line; the other lines are indented by as much.
 * @param {string} text
 * @param {{ before?: string, paint?: Style }} [options]
 */
export function paragraph(text, { before = '  ', paint = (line) => line } = {}) {
  const indent = ' '.repeat(length(before));
  wrap(text, WIDTH - indent.length).forEach((line, index) => print((index ? indent : before) + paint(line)));
}

/**
 * A row of a table: a text for each column, and `detail` below the last one. A row with only a heading begins a block.
 * @typedef {{ cells: string[], detail?: string, paint?: Style } | { heading: string }} Row
 */

/**
 * Prints a table. The last column takes the remaining width and is wrapped.
 * @param {{ title: string, right?: boolean }[]} columns
 * @param {Row[]} rows
 */
export function table(columns, rows) {
  const allCells = rows.flatMap((row) => ('cells' in row ? [row.cells] : []));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...allCells.map((cells) => length(cells[index] ?? ''))),
  );
  const last = columns.length - 1;
  const taken = widths.slice(0, last).reduce((sum, width) => sum + width + 2, 2);
  widths[last] = Math.max(MIN_LAST_COLUMN, WIDTH - taken);
  /** @param {string[]} cells */
  const line = (cells) => {
    const padded = columns.map(({ right }, index) =>
      (right ? padStart : padEnd)(cells[index] ?? '', widths[index] ?? 0),
    );
    return `  ${padded.join('  ')}`.trimEnd();
  };
  /** @param {string} text */
  const wrapLast = (text) => wrap(text, widths[last] ?? MIN_LAST_COLUMN);
  print(dim(line(columns.map(({ title }) => title))));
  for (const row of rows) {
    if ('heading' in row) {
      print(`  ${bold(cyan(row.heading))}`);
      continue;
    }
    const { cells, detail, paint = (text) => text } = row;
    const [first = '', ...more] = wrapLast(cells[last] ?? '');
    const below = [...more, ...(detail ? wrapLast(detail).map(dim) : [])];
    print(paint(line([...cells.slice(0, last), first])));
    for (const text of below) print(line([...cells.slice(0, last).map(() => ''), text]));
  }
}

/**
 * @param {number} done
 * @param {number} total
 */
export function bar(done, total, width = 20) {
  const full = total ? Math.round((done / total) * width) : width;
  return `${green('█'.repeat(full))}${dim('░'.repeat(width - full))}`;
}

/** Prints each statement of the demo and whether it is true, and counts them. */
export class Checks {
  passed = 0;
  /** @type {string[]} */
  failed = [];

  /**
   * @param {string} statement
   * @param {boolean} isTrue
   * @param {unknown} [actual] shown if the statement is wrong
   */
  that(statement, isTrue, actual) {
    const full = isTrue || actual === undefined ? statement : `${statement} (instead: ${JSON.stringify(actual)})`;
    if (isTrue) this.passed += 1;
    else this.failed.push(full);
    paragraph(full, { before: `  ${isTrue ? green('✓') : red('✗')} `, paint: isTrue ? undefined : red });
  }

  /**
   * Checks that two values are equal as JSON.
   * @param {string} statement
   * @param {unknown} actual
   * @param {unknown} expected
   */
  same(statement, actual, expected) {
    this.that(statement, JSON.stringify(actual) === JSON.stringify(expected), actual);
  }
}
