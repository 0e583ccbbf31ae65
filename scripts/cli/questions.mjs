import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

const { stderr, stdin } = process;

/** Asks where messages go, so that standard output stays clean. Without a terminal it is the first line that comes in. */
export async function ask(question) {
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return (await answer(lines, stdin.isTTY ? question : '')).trim();
  } finally {
    lines.close();
  }
}

/** The same for what nobody should see. */
export async function askSecretly(question) {
  if (!stdin.isTTY) return ask(question);
  stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true });
  try {
    return await answer(lines, '');
  } finally {
    lines.close();
    stderr.write('\n');
  }
}

/** An end of input is an empty answer. */
function answer(lines, question) {
  return Promise.race([lines.question(question), new Promise((done) => lines.once('close', () => done('')))]);
}
