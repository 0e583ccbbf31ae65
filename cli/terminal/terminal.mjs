/** @import { WriteStream } from 'node:tty' */
import { stripVTControlCharacters } from 'node:util';

const { env } = process;

/** @param {string} text */
const lengthOf = (text) => stripVTControlCharacters(text).length;

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/**
 * The beginning of a text, with no emoji and no letter with accents cut in two.
 * @param {string} text
 * @param {number} length
 */
function beginningOf(text, length) {
  let end = 0;
  for (const { index, segment } of graphemes.segment(text)) {
    if (index + segment.length > length) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** Writes for people to one of the process's streams: styles and redrawn lines only if the stream is a terminal. */
export class Terminal {
  /** @param {WriteStream} stream */
  constructor(stream) {
    this.stream = stream;
    const styled = env.NO_COLOR === undefined && stream.isTTY && env.TERM !== 'dumb';
    /** @type {(on: number, off: number) => (text: string) => string} */
    const style = (on, off) => (text) => (styled ? `\x1b[${on}m${text}\x1b[${off}m` : text);
    this.bold = style(1, 22);
    this.dim = style(2, 22);
    this.red = style(31, 39);
    this.green = style(32, 39);
    this.yellow = style(33, 39);
  }

  /** Whether lines can be redrawn. */
  get isTerminal() {
    return this.stream.isTTY === true && env.TERM !== 'dumb';
  }

  line(text = '') {
    this.stream.write(`${text}\n`);
  }

  /**
   * Replaces the current line. Only for terminals.
   * @param {string} text
   */
  overwrite(text) {
    const width = this.stream.columns ?? 80;
    const shown = lengthOf(text) < width ? text : beginningOf(stripVTControlCharacters(text), width - 1);
    this.stream.write(`\r\x1b[2K${shown}`);
  }

  /**
   * @param {string[]} titles a column whose title begins with `#` holds numbers and is aligned to the right
   * @param {(string | number | null | undefined)[][]} rows
   */
  table(titles, rows) {
    const all = [
      titles.map((title) => this.dim(title.replace('#', ''))),
      ...rows.map((row) => row.map((cell) => `${cell ?? ''}`)),
    ];
    const columns = titles.map((title, index) => ({
      right: title.startsWith('#'),
      width: Math.max(...all.map((row) => lengthOf(row[index] ?? ''))),
    }));
    for (const row of all) {
      const cells = columns.map(({ right, width }, index) => {
        const cell = row[index] ?? '';
        const space = ' '.repeat(width - lengthOf(cell));
        return right ? space + cell : cell + space;
      });
      this.line(`  ${cells.join('  ')}`.trimEnd());
    }
  }

  /**
   * @param {number} done
   * @param {number} total
   */
  bar(done, total, width = 24) {
    const full = total ? Math.round((done / total) * width) : 0;
    return `${this.green('█'.repeat(full))}${this.dim('░'.repeat(width - full))} ${done}/${total}`;
  }
}
