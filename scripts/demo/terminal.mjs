import { stripVTControlCharacters } from 'node:util';

const { env, stdout } = process;
const WIDTH = Math.max(80, Math.min(100, stdout.columns || 100));
const NARROWEST = 12;
const COLOURS = env.NO_COLOR === undefined && stdout.isTTY === true && env.TERM !== 'dumb';

const style = (on, off) => (text) => (COLOURS ? `\x1b[${on}m${text}\x1b[${off}m` : `${text}`);
export const bold = style(1, 22);
export const dim = style(2, 22);
export const red = style(31, 39);
export const green = style(32, 39);
export const yellow = style(33, 39);
export const cyan = style(36, 39);

const length = (text) => stripVTControlCharacters(text).length;
const pad = (text, width) => text + ' '.repeat(Math.max(0, width - length(text)));
const padStart = (text, width) => ' '.repeat(Math.max(0, width - length(text))) + text;

/** Breaks a text between words; a word that is longer than the line is cut. */
function wrap(text, width) {
  const lines = [''];
  for (const word of String(text).split(/\s+/)) {
    const line = lines.at(-1);
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.flatMap((line) => (line.length <= width ? [line] : line.match(new RegExp(`.{1,${width}}`, 'gu'))));
}

export const print = (line = '') => console.log(line);

/** A chapter: what comes is told in a sentence. */
export function chapter(title, sentence) {
  print(`\n${bold(cyan(`━━ ${title} ${'━'.repeat(Math.max(0, WIDTH - title.length - 4))}`))}`);
  if (sentence) paragraph(sentence);
  print();
}

/** A text with something before its first line, the others indented alike. */
export function paragraph(text, { before = '  ', paint = (line) => line } = {}) {
  const indent = ' '.repeat(length(before));
  wrap(text, WIDTH - indent.length).forEach((line, index) => print((index ? indent : before) + paint(line)));
}

/**
 * @param columns `[{ title, right? }]`; the last one takes what room is left and is wrapped
 * @param rows `{ cells, paint? }` with a text for each column, `detail` below the last one; `{ heading }` begins a block
 */
export function table(columns, rows) {
  const last = columns.length - 1;
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map(({ cells }) => (cells && index < last ? length(cells[index]) : 0))),
  );
  const taken = widths.slice(0, last).reduce((sum, width) => sum + width + 2, 2);
  widths[last] = Math.max(NARROWEST, WIDTH - taken);
  const line = (cells) =>
    `  ${cells.map((cell, index) => (columns[index].right ? padStart : pad)(cell, widths[index])).join('  ')}`.trimEnd();
  print(dim(line(columns.map(({ title }) => title))));
  for (const { heading, cells, detail, paint = (text) => text } of rows) {
    if (heading) {
      print(`  ${bold(cyan(heading))}`);
      continue;
    }
    const [first, ...more] = wrap(cells[last], widths[last]);
    const below = [...more, ...(detail ? wrap(detail, widths[last]).map(dim) : [])];
    print(paint(line([...cells.slice(0, last), first])));
    for (const text of below) print(line([...cells.slice(0, last).map(() => ''), text]));
  }
}

export function bar(done, total, width = 20) {
  const full = total ? Math.round((done / total) * width) : width;
  return `${green('█'.repeat(full))}${dim('░'.repeat(width - full))}`;
}

/** Statements about what one sees, and how many of them turned out wrong. */
export class Checks {
  held = 0;
  failed = [];

  /** @param seen what was there instead, told when the statement is wrong */
  that(statement, isTrue, seen) {
    const full = isTrue || seen === undefined ? statement : `${statement} (instead: ${JSON.stringify(seen)})`;
    if (isTrue) this.held += 1;
    else this.failed.push(full);
    paragraph(full, { before: `  ${isTrue ? green('✓') : red('✗')} `, paint: isTrue ? undefined : red });
    return isTrue;
  }

  /** That two things are equal, as JSON. */
  same(statement, seen, wanted) {
    return this.that(statement, JSON.stringify(seen) === JSON.stringify(wanted), seen);
  }
}
