// Runs before anything is installed: plain JavaScript of Node 20, without a dependency.
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

const OLDEST_NODE = [22, 17];
const STAMP = join(root, 'dist/.stamp');
const SOURCES = ['libs', 'services', 'scripts/build.mjs', 'scripts/lib/bundling.mjs', 'jest.config.js', 'package.json'];

/** Something the user can mend; shown without a stack. */
export class Fault extends Error {}

/**
 * Installs the packages that package-lock.json names, unless exactly those are installed.
 * @returns the Node to go on with
 */
export async function ensureInstalled() {
  if (!installedAsLocked()) {
    // Errors only: the packages complain about the older Node that installs them, and a newer one is among them.
    const flags = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
    const npm = process.env.npm_execpath;
    await step('packages (npm ci)', () => (npm ? must(process.execPath, [npm, ...flags]) : must('npm', flags)));
  }
  return chooseNode();
}

/** Compiles when a source is newer than the last compilation that went well. */
export async function ensureBuilt(node) {
  const built = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (newest(SOURCES) < built) return;
  const begun = new Date();
  await step('compiling', () => must(node, [join(root, 'scripts/build.mjs')]));
  mkdirSync(join(root, 'dist'), { recursive: true });
  // The moment the compiler began: what was saved while it ran counts as newer.
  writeFileSync(STAMP, begun.toISOString());
  utimesSync(STAMP, begun, begun);
}

/** Whether two paths lead to the same program. */
export function isThisNode(node) {
  return realpathSync(node) === realpathSync(process.execPath);
}

/** Runs a program in the project's folder with our terminal; passes signals on and gives its exit code. */
export async function run(program, args) {
  return ended(spawn(program, args, { cwd: root, stdio: 'inherit' }));
}

/** Runs a program of which one only wants to hear when it fails. @throws Fault with all it said */
async function must(program, args) {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (text) => (said += text));
  if ((await ended(child)) !== 0) throw new Fault(`${said.trim()}\n\n${[program, ...args].join(' ')} failed.`);
}

function ended(child) {
  return new Promise((done, failed) => {
    const forward = () => child.kill('SIGTERM');
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.once('error', failed);
    child.once('close', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      done(signal ? 1 : code);
    });
  });
}

/** Ends the process after work that may throw: a Fault with its message, anything else with its stack. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    console.error(error instanceof Fault ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

/** npm keeps a second lock file inside node_modules, written last: it tells what is really there. */
function installedAsLocked() {
  const installed = readLock(join(root, 'node_modules/.package-lock.json'));
  if (!installed) return false;
  return Object.entries(readLock(join(root, 'package-lock.json'))).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed[path];
    return found ? found.version === wanted.version && found.integrity === wanted.integrity : wanted.optional;
  });
}

function readLock(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

function chooseNode() {
  const bundled = join(root, 'node_modules/.bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(bundled) && spawnSync(bundled, ['--version']).status === 0) return bundled;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return process.execPath;
  throw new Fault(
    `This is Node ${process.versions.node}, and npm has no newer one for ${process.platform}-${process.arch}.\n` +
      `Please install Node ${OLDEST_NODE.join('.')} or newer (24 is what Leaver is tested with) and try again.`,
  );
}

function newest(paths) {
  const times = paths.map((path) => {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    if (!found?.isDirectory()) return found?.mtimeMs ?? 0;
    const inside = readdirSync(join(root, path)).map((name) => join(path, name));
    // A folder's own time changes when a file in it goes away.
    return Math.max(found.mtimeMs, newest(inside));
  });
  return Math.max(0, ...times);
}
