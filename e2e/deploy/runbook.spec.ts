import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { commands } from '../../cli/commands.mjs';
import { parseCommand } from '../../cli/parse-command.mjs';
import { file, text } from './configuration.js';
import { commandsIn, wordsOf } from './runbook.js';

/** Placeholders of the documents; the text of a value does not matter here. */
const VALUES = Object.fromEntries(
  ['id', 'departure', 'service', 'time', 'email', 'user', 'name', 'account-id', 'number', 'file', 'text', 'rule'].map(
    (name) => [name, `some-${name}`],
  ),
);
const OPERATIONS = text('docs/OPERATIONS.md');

describe('the commands of docs/OPERATIONS.md', () => {
  const written = commandsIn(OPERATIONS);

  it('are the command line’s, with the arguments and options that it takes', () => {
    expect(written.length).toBeGreaterThan(10);
    for (const command of written) expect(() => parseCommand(wordsOf(command, VALUES))).not.toThrow();
  });

  it('are written so that they run wherever Leaver runs', () => {
    expect(OPERATIONS).not.toMatch(/npm run leaver -- (?!<command>)/);
    for (const way of ['npm run leaver -- ', 'docker compose run --rm leaver ', 'exec -it job/leaver -- leaver '])
      expect(OPERATIONS).toContain(`${way}<command>`);
  });

  it('cover every command for operators', () => {
    const forOperators = [...commands].filter(([, { about }]) => about.includes('(operator)')).map(([name]) => name);
    const used = new Set(written.map((command) => command.split(' ')[1]));
    expect(forOperators.filter((name) => !used.has(name))).toEqual([]);
  });
});

describe.each(['README.md', 'docs/RELIABILITY.md', 'deploy/README.md', 'deploy/kubernetes/README.md'])(
  'the commands of %s',
  (path) => {
    it('exist', () => {
      const names = commandsIn(text(path)).map((command) => command.split(' ')[1]!);
      expect(names.filter((name) => !commands.has(name) && name !== 'help')).toEqual([]);
    });
  },
);

describe('the image', () => {
  it('runs the command line for its argument `leaver`', () => {
    const words = [file('deploy/container/main.mjs'), 'leaver', 'help'];
    expect(execFileSync(process.execPath, words, { encoding: 'utf8' })).toMatch(/^Usage: leaver <command>/);
  });

  it('has it as a program', () => {
    const [, program] = /ln -s \/app\/(\S+) \/usr\/local\/bin\/leaver/.exec(text('deploy/Dockerfile'))!;
    expect(statSync(file(program!)).mode & 0o111).toBe(0o111);
  });
});

describe('the README', () => {
  it('shows commands that are understood', () => {
    const shown = commandsIn(text('README.md')).filter((command) => command !== 'leaver help');
    expect(shown.length).toBeGreaterThan(5);
    for (const command of shown) expect(() => parseCommand(wordsOf(command, VALUES))).not.toThrow();
  });
});
