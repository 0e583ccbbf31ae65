#!/usr/bin/env node
// npm run leaver -- <command>, or npx leaver <command>: Leaver for the terminal and for scripts. `help` lists the commands.
import { parseArgs } from 'node:util';
import { commands, help } from './cli/commands.mjs';
import { signedIn } from './cli/credentials.mjs';
import { endingOf, EXIT, usageFault } from './cli/ending.mjs';
import { Paper } from './cli/paper.mjs';

const { argv, stderr, stdout } = process;
const say = new Paper(stderr);
const out = new Paper(stdout);
const asJson = argv.includes('--json');
const writeJson = (value) => stdout.write(`${JSON.stringify(value, null, 2)}\n`);

try {
  process.exitCode = await run(argv.slice(2));
} catch (error) {
  const { exitCode, message, problem } = endingOf(error);
  if (asJson && problem) writeJson(problem);
  say.line(say.red(message));
  process.exitCode = exitCode;
}

async function run([name, ...words]) {
  if (name === undefined || name === 'help' || name === '--help') {
    (name ? out : say).line(help());
    return name ? EXIT.done : EXIT.usage;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw usageFault(`There is no command ${name}. leaver help lists them.`);
  const { args = 0, rest = false, options = {}, usage, anonymous = false } = command;
  const all = { ...options, json: { type: 'boolean' }, help: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ args: words, options: all, allowPositionals: true });
  if (values.help) {
    out.line(`Usage: leaver ${usage}`);
    return EXIT.done;
  }
  if (positionals.length < args || (!rest && positionals.length > args)) throw usageFault(`Usage: leaver ${usage}`);
  const tell = (value, show) => (values.json ? writeJson(value) : show());
  const api = anonymous ? undefined : await signedIn();
  return command.run({ api, args: positionals, values, out, say, tell });
}
