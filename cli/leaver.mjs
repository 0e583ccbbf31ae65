#!/usr/bin/env node
// npm run leaver -- <command>, or npx leaver <command>: Leaver for the terminal and for scripts. `help` lists the commands.
import { help } from './commands.mjs';
import { describeError, EXIT } from './exit-codes.mjs';
import { parseCommand } from './parse-command.mjs';
import { Terminal } from './terminal/terminal.mjs';

const { argv, stderr, stdout } = process;
const messages = new Terminal(stderr);
const out = new Terminal(stdout);
const asJson = argv.includes('--json');
/** @param {unknown} value */
const writeJson = (value) => stdout.write(`${JSON.stringify(value, null, 2)}\n`);

// A reader that stops early, such as head, does not change the result of the command.
for (const stream of [stdout, stderr])
  stream.on('error', (error) => {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error;
  });

// The kernel ignores signals to the first process of a container unless the process handles them.
if (process.pid === 1) {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

try {
  process.exitCode = await run(argv.slice(2));
} catch (error) {
  const { exitCode, message, problem } = describeError(error);
  if (asJson && problem) writeJson(problem);
  messages.line(messages.red(message));
  process.exitCode = exitCode;
}
// A connection to a broker that never answered stays open, but must not keep the process alive.
await Promise.all([stdout, stderr].map((stream) => new Promise((done) => stream.write('', () => done(undefined)))));
process.exit();

/** @param {string[]} words */
async function run(words) {
  const [name] = words;
  if (name === undefined || name === 'help' || name === '--help') {
    (name ? out : messages).line(help());
    return name ? EXIT.done : EXIT.usage;
  }
  const { command, values, positionals, limits } = parseCommand(words);
  if (values.help) {
    out.line(`Usage: leaver ${command.usage}`);
    return EXIT.done;
  }
  /** @type {(value: unknown, show: () => void) => void} */
  const report = (value, show) => {
    if (values.json) writeJson(value);
    else show();
  };
  return command.run({ args: positionals, values, limits, out, messages, report });
}
