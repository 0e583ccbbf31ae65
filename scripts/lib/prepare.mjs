// Runs before anything is installed: plain JavaScript for Node 20, without dependencies.
/** @import { ChildProcess } from 'node:child_process' */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { step } from './progress.mjs';
import { root } from './root.mjs';

const MIN_NODE = { major: 22, minor: 17 };
const STAMP = join(root, 'dist/.stamp');
const SOURCES = [
  'libs',
  'services',
  'scripts/build.mjs',
  'scripts/lib/bundling.mjs',
  'scripts/lib/console.mjs',
  'jest.config.js',
  'package-lock.json',
];

/** An error that the user can fix. It is shown without a stack. */
export class UserError extends Error {}

/**
 * Installs the packages that package-lock.json names, unless exactly those are installed.
 * @returns {Promise<string>} the path of the Node to continue with
 */
export async function ensureInstalled() {
  if (!installedAsLocked()) {
    // Errors only: packages warn about the older Node that installs them, although a newer one is among them.
    const flags = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
    const [program, ...args] = npmCommand(flags);
    await step('packages (npm ci)', () => runQuietly(program, args));
  }
  return chooseNode();
}

/**
 * Compiles if a source is newer than the last successful compilation.
 * @param {string} node the path of the Node to compile with
 */
export async function ensureBuilt(node) {
  const built = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (newest(SOURCES) < built) return;
  const begun = new Date();
  await step('compiling', () => runQuietly(node, [join(root, 'scripts/build.mjs')]));
  mkdirSync(join(root, 'dist'), { recursive: true });
  // The start of the compilation: a file saved while it ran counts as newer.
  writeFileSync(STAMP, begun.toISOString());
  utimesSync(STAMP, begun, begun);
}

/**
 * The npm that runs this script, or the one of the path.
 * @param {string[]} args
 * @returns {[program: string, ...args: string[]]}
 */
export function npmCommand(args) {
  const npm = process.env.npm_execpath;
  return npm ? [process.execPath, npm, ...args] : ['npm', ...args];
}

/**
 * Whether this process runs on that Node.
 * @param {string} node
 */
export function isThisNode(node) {
  return realpathSync(node) === realpathSync(process.execPath);
}

/**
 * Runs a program in the project's folder on our terminal and passes signals on.
 * @param {string} program
 * @param {string[]} args
 * @returns its exit code
 */
export async function run(program, args) {
  return exitCodeOf(spawn(program, args, { cwd: root, stdio: 'inherit' }));
}

/**
 * Runs a program and shows its output only if it fails.
 * @param {string} program
 * @param {string[]} args
 * @throws UserError with its output
 */
async function runQuietly(program, args) {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  if ((await exitCodeOf(child)) !== 0)
    throw new UserError(`${output.trim()}\n\n${[program, ...args].join(' ')} failed.`);
}

/**
 * @param {ChildProcess} child
 * @returns {Promise<number>}
 */
function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    const forward = () => child.kill('SIGTERM');
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of signals) process.off(signal, forward);
      // A child that a signal ended has no exit code.
      resolve(code ?? 1);
    });
  });
}

/**
 * Sets the exit code from work that may throw. Shows only the message of a UserError, the stack of any other error.
 * @param {() => Promise<number | void> | number | void} work returns the exit code; default 0
 */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    console.error(error instanceof UserError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

/** npm writes a second lock file into node_modules, as its last step: it lists what is really installed. */
function installedAsLocked() {
  const installed = readLock(join(root, 'node_modules/.package-lock.json'));
  if (!installed) return false;
  return Object.entries(readLock(join(root, 'package-lock.json')) ?? {}).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed[path];
    return found ? found.version === wanted.version && found.integrity === wanted.integrity : wanted.optional;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version: string, integrity?: string, optional?: boolean }> | undefined} packages by path
 */
function readLock(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

/** Whether this process runs on a Node that all scripts can run on. */
export function isRecentNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > MIN_NODE.major || (major === MIN_NODE.major && minor >= MIN_NODE.minor);
}

/**
 * The Node among the packages, or this one if it is recent.
 * @throws UserError if neither will do
 */
export function chooseNode() {
  const bundled = join(root, 'node_modules/.bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(bundled) && spawnSync(bundled, ['--version']).status === 0) return bundled;
  if (isRecentNode()) return process.execPath;
  throw new UserError(
    `This is Node ${process.versions.node}, and npm has no newer one for ${process.platform}-${process.arch}.\n` +
      `Please install Node ${MIN_NODE.major}.${MIN_NODE.minor} or newer (Leaver is tested with 24) and try again.`,
  );
}

/**
 * The latest modification time, in milliseconds.
 * @param {string[]} paths files and folders, from the project's folder
 * @returns {number}
 */
function newest(paths) {
  const times = paths.map((path) => {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    if (!found?.isDirectory()) return found?.mtimeMs ?? 0;
    const inside = readdirSync(join(root, path)).map((name) => join(path, name));
    // A folder's own time changes when a file in it is removed.
    return Math.max(found.mtimeMs, newest(inside));
  });
  return Math.max(0, ...times);
}
