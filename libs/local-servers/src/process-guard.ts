import { ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { eventually } from './eventually.js';

/**
 * Waits until its standard input closes, which happens when the guarding process dies in any way. A line on the input
 * means that the child has exited normally and there is nothing to do.
 */
const WATCH = `read -r _ && exit
kill -s "$1" "$2" 2>/dev/null
[ -n "$3" ] || exit 0
tries=0
while kill -0 "$2" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf -- "$3"`;

/**
 * Ensures that a detached child does not outlive this process, even if this process is killed.
 * @param orphanFolder in that case, removed after the child
 */
export function guard(child: ChildProcess, signal: 'INT' | 'TERM' | 'KILL', orphanFolder = ''): void {
  if (process.platform === 'win32' || child.pid === undefined) return;
  const watcher = spawn('sh', ['-c', WATCH, 'guard', signal, String(child.pid), orphanFolder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  watcher.on('error', () => undefined);
  watcher.stdin.on('error', () => undefined);
  child.once('exit', () => watcher.stdin.end('\n'));
  watcher.unref();
  if ('unref' in watcher.stdin && typeof watcher.stdin.unref === 'function') watcher.stdin.unref();
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Whether a process with this id exists, which may be a different one than expected. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Stops a child with a signal, and with SIGKILL after `patience` milliseconds. */
export async function end(child: ChildProcess, signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  const gone = once(child, 'exit');
  const harder = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  child.kill(signal);
  await gone;
  clearTimeout(harder);
}

/**
 * Stops a process of an earlier run, if the id still belongs to a program with `mark` in its command line. Process ids
 * are reused, above all in containers, so the id alone is no proof.
 */
export async function endLeftover(pid: number, mark: string, signal: NodeJS.Signals): Promise<void> {
  if (!(await commandLine(pid)).includes(mark)) return;
  process.kill(pid, signal);
  await eventually(async () => !(await commandLine(pid)).includes(mark), { timeout: 30_000, interval: 50 });
}

/** The command line of a process; empty if there is none with this id. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const listed = promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]);
  return listed.then(({ stdout }) => stdout).catch(() => '');
}
