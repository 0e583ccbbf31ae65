import { ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { eventually } from './eventually.js';

/**
 * Waits for its standard input to end, which happens when the process that holds the other end dies, however it dies.
 * A line on the input says that the server ended in the orderly way and there is nothing to do.
 */
const WATCH = `read -r _ && exit
kill -s "$1" "$2" 2>/dev/null
[ -n "$3" ] || exit 0
tries=0
while kill -0 "$2" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf -- "$3"`;

/**
 * Sees to it that a detached child doesn't outlive this process, not even when this process is killed.
 * @param orphanFolder is removed after the child in that case.
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

/** Whether any process of ours has this number now, be it the one we mean or not. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ends a child with a signal, and with SIGKILL when it takes longer than `patience` milliseconds. */
export async function end(child: ChildProcess, signal: NodeJS.Signals, patience: number): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  const gone = once(child, 'exit');
  const harder = setTimeout(() => child.kill('SIGKILL'), patience);
  child.kill(signal);
  await gone;
  clearTimeout(harder);
}

/**
 * Ends what an earlier run left behind: the process, if the number still belongs to a program with `mark` in its command line.
 * Numbers are reused, above all in containers, so the number alone proves nothing.
 */
export async function endLeftover(pid: number, mark: string, signal: NodeJS.Signals): Promise<void> {
  if (!(await commandLine(pid)).includes(mark)) return;
  process.kill(pid, signal);
  await eventually(async () => !(await commandLine(pid)).includes(mark), { timeout: 30_000, interval: 50 });
}

/** The command line of a process; empty when there is none of this number. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const listed = promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]);
  return listed.then(({ stdout }) => stdout).catch(() => '');
}
