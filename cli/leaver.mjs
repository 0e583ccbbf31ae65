#!/usr/bin/env node
// npm run leaver -- <command>, or npx leaver <command>: Leaver for the terminal and for scripts. `help` lists the commands.
/** @import { ParseArgsOptionsConfig } from 'node:util' */
import { parseArgs } from 'node:util';
import { commands, help } from './commands.mjs';
import { describeError, EXIT, usageError } from './exit-codes.mjs';
import { Terminal } from './terminal.mjs';

const { argv, stderr, stdout } = process;
const messages = new Terminal(stderr);
const out = new Terminal(stdout);
const asJson = argv.includes('--json');
/** @param {unknown} value */
const writeJson = (value) => stdout.write(`${JSON.stringify(value, null, 2)}\n`);

// A reader that has seen enough, such as head, does not change the result of the command.
for (const stream of [stdout, stderr])
  stream.on('error', (error) => {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error;
  });

try {
  process.exitCode = await run(argv.slice(2));
} catch (error) {
  const { exitCode, message, problem } = describeError(error);
  if (asJson && problem) writeJson(problem);
  messages.line(messages.red(message));
  process.exitCode = exitCode;
}

/** @param {string[]} words */
async function run([name, ...words]) {
  if (name === undefined || name === 'help' || name === '--help') {
    (name ? out : messages).line(help());
    return name ? EXIT.done : EXIT.usage;
  }
  const command = commands.get(name);
  if (!command) throw usageError(`There is no command ${name}. leaver help lists them.`);
  const { args, usage } = command;
  /** @type {ParseArgsOptionsConfig} */
  const options = { ...command.options, json: { type: 'boolean' }, help: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
  if (values.help) {
    out.line(`Usage: leaver ${usage}`);
    return EXIT.done;
  }
  if (args !== 'any' && positionals.length !== args) throw usageError(`Usage: leaver ${usage}`);
  /** @type {(value: unknown, show: () => void) => void} */
  const report = (value, show) => {
    if (values.json) writeJson(value);
    else show();
  };
  return command.run({ args: positionals, values, out, messages, report });
}
