import type { WriteStream } from 'node:tty';
import { Terminal } from '../cli/terminal/terminal.mjs';

it('a line that is redrawn is cut to the width of the terminal, with whole characters', () => {
  const written: string[] = [];
  const stream = { isTTY: true, columns: 10, write: (text: string) => written.push(text) };
  const terminal = new Terminal(stream as unknown as WriteStream);
  for (const text of ['short', 'exactly 12 ..', '1234567 😀 and more', '12345 👨‍👩‍👧 family']) terminal.overwrite(text);
  expect(written.map((text) => text.replace('\r\x1b[2K', ''))).toEqual(['short', 'exactly 1', '1234567 ', '12345 ']);
});
