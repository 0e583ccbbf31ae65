import { stripVTControlCharacters } from 'node:util';

const { env } = process;
const style = (stream) => (on, off) => (text) =>
  env.NO_COLOR === undefined && stream.isTTY && env.TERM !== 'dumb' ? `\x1b[${on}m${text}\x1b[${off}m` : `${text}`;

const lengthOf = (text) => stripVTControlCharacters(text).length;

/** Where people read: what a command has found out goes to standard output, everything else to standard error. */
export class Paper {
  constructor(stream) {
    this.stream = stream;
    const styled = style(stream);
    this.bold = styled(1, 22);
    this.dim = styled(2, 22);
    this.red = styled(31, 39);
    this.green = styled(32, 39);
    this.yellow = styled(33, 39);
  }

  get isTerminal() {
    return this.stream.isTTY === true;
  }

  line(text = '') {
    this.stream.write(`${text}\n`);
  }

  /** Writes over the line that was there; the next `line` begins below it. */
  overwrite(text) {
    const width = this.stream.columns ?? 80;
    this.stream.write(`\r\x1b[2K${lengthOf(text) < width ? text : stripVTControlCharacters(text).slice(0, width - 1)}`);
  }

  /** @param heads titles; one that begins with `#` stands over numbers */
  table(heads, rows) {
    const right = heads.map((head) => head.startsWith('#'));
    const all = [
      heads.map((head) => this.dim(head.replace('#', ''))),
      ...rows.map((row) => row.map((cell) => `${cell ?? ''}`)),
    ];
    const widths = heads.map((_, column) => Math.max(...all.map((row) => lengthOf(row[column]))));
    for (const row of all) {
      const cells = row.map((cell, column) => {
        const space = ' '.repeat(widths[column] - lengthOf(cell));
        return right[column] ? space + cell : cell + space;
      });
      this.line(`  ${cells.join('  ')}`.trimEnd());
    }
  }

  bar(done, total, width = 24) {
    const full = total ? Math.round((done / total) * width) : 0;
    return `${this.green('█'.repeat(full))}${this.dim('░'.repeat(width - full))} ${done}/${total}`;
  }
}
