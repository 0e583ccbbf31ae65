import { CommandError, EXIT, usageError } from '../exit-codes.mjs';
import { ask } from './prompt.mjs';

/**
 * Asks the user to type a word before something that cannot be undone.
 * @param {string} word
 * @param {string} question
 */
export async function confirm(word, question) {
  if (!process.stdin.isTTY) throw usageError('There is no terminal for the confirmation: use --yes.');
  if ((await ask(question)) !== word) throw new CommandError(EXIT.failed, 'Nothing has been changed.');
}
