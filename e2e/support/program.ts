import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Json } from './api.js';

const PROGRAM = fileURLToPath(new URL('../../cli/leaver.mjs', import.meta.url));

export interface Finished {
  exitCode: number;
  /** Standard output. */
  out: string;
  /** Standard error. */
  messages: string;
}

/**
 * Runs the command line as a script does, without a terminal.
 * @param input standard input
 * @param closed whether standard output is closed
 */
export function leaver(
  args: readonly string[],
  env: Record<string, string>,
  { input = '', closed = false } = {},
): Promise<Finished> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { env: { PATH: process.env.PATH, ...env } });
    let out = '';
    let messages = '';
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (messages += text));
    child.once('error', failed);
    child.once('close', (exitCode) => done({ exitCode: exitCode!, out, messages }));
    if (closed) child.stdout.destroy();
    child.stdin.end(input);
  });
}

/** The command line of a signed-in user. @param user asked for each command, because it can be another one by then */
export function commandLine(user: () => { url: string; token: string }) {
  const pipe = (input: string, ...args: string[]) => {
    const { url, token } = user();
    return leaver(args, { LEAVER_HOME: '/nowhere', LEAVER_URL: url, LEAVER_TOKEN: token }, { input });
  };
  const run = (...args: string[]) => pipe('', ...args);
  const json = async <T = Json>(...args: string[]): Promise<T> => JSON.parse((await run(...args, '--json')).out) as T;
  return { pipe, run, json };
}
