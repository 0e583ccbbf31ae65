/** @import { Interface } from 'node:readline/promises' */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

const { stderr, stdin } = process;

/**
 * Prompts on standard error, so that standard output contains only the result. Without a terminal it reads the first line of
 * standard input.
 * @param {string} question
 */
export async function ask(question) {
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return (await answer(lines, stdin.isTTY ? question : '')).trim();
  } finally {
    lines.close();
  }
}

/**
 * Prompts for a secret without echo.
 * @param {string} question
 */
export async function askSecret(question) {
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

/**
 * The answer is empty when the input ends.
 * @param {Interface} lines
 * @param {string} question
 * @returns {Promise<string>}
 */
function answer(lines, question) {
  return Promise.race([lines.question(question), new Promise((done) => lines.once('close', () => done('')))]);
}
