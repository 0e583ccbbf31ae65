/** @import { ChildProcess } from 'node:child_process' */
import { spawn } from 'node:child_process';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { end, guard } from '#libs/local-servers';
import { UserError } from './prepare.mjs';
import { root } from './root.mjs';
import { bundles } from './services.mjs';

/** Milliseconds. */
const READY_TIMEOUT = 60_000;
const STOP_TIMEOUT = 5_000;
const MIN_RESTART_DELAY = 500;
const MAX_RESTART_DELAY = 30_000;
/** A service that ran this long before it died restarts after the shortest delay. */
const STABLE_AFTER = 60_000;
const LOG_LINES_SHOWN = 15;
/** The young generation is limited too, because it would be most of an idle service's memory. */
export const MEMORY_LIMITS = ['--max-old-space-size=160', '--max-semi-space-size=4'];
/** Positions in the log point into the sources. */
export const NODE_OPTIONS = [...MEMORY_LIMITS, '--enable-source-maps'];

/** Runs one service as a process and restarts it when it dies. */
export class SupervisedService {
  #restartDelay = MIN_RESTART_DELAY;
  #stopping = false;
  /** @type {ChildProcess | undefined} */
  #child;
  /** @type {NodeJS.Timeout | undefined} */
  #restart;

  /**
   * @param {object} options
   * @param {string} options.name
   * @param {NodeJS.ProcessEnv} options.env
   * @param {string} options.logs the folder of the log
   * @param {(text: string) => void} options.report
   */
  constructor({ name, env, logs, report }) {
    this.name = name;
    this.env = env;
    this.log = join(logs, `${name}.log`);
    this.report = report;
  }

  /**
   * Resolves when the service is ready.
   * @throws UserError with the end of its log if it does not become ready
   */
  async start() {
    await rename(this.log, `${this.log}.previous`).catch(() => undefined);
    await this.#run();
  }

  async stop() {
    this.#stopping = true;
    clearTimeout(this.#restart);
    if (this.#child) await end(this.#child, 'SIGTERM', STOP_TIMEOUT);
  }

  async #run() {
    const begun = performance.now();
    const child = await this.#spawn();
    await this.#untilReady(child);
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      if (performance.now() - begun > STABLE_AFTER) this.#restartDelay = MIN_RESTART_DELAY;
      this.#restartLater(`${this.name} ended unexpectedly (${signal ?? `exit code ${code}`})`);
    });
  }

  /** @param {string} reason */
  #restartLater(reason) {
    const delay = this.#restartDelay;
    this.#restartDelay = Math.min(delay * 2, MAX_RESTART_DELAY);
    this.report(`${reason}; it restarts in ${delay / 1000} s. Its log: ${this.log}`);
    this.#restart = setTimeout(() => {
      this.#run().then(
        () => this.report(`${this.name} is running again`),
        () => {
          if (!this.#stopping) this.#restartLater(`${this.name} did not start`);
        },
      );
    }, delay);
  }

  async #spawn() {
    const output = await open(this.log, 'a', 0o600);
    const main = join(root, bundles, `${this.name}.js`);
    const child = spawn(process.execPath, [...NODE_OPTIONS, main], {
      cwd: root,
      env: this.env,
      stdio: ['ignore', output.fd, output.fd, 'ipc'],
      // In a separate session, so that Ctrl-C reaches only this process, which stops the services in order.
      detached: true,
    });
    await output.close();
    guard(child, 'TERM');
    this.#child = child;
    return child;
  }

  /** @param {ChildProcess} child */
  async #untilReady(child) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const outcome = await new Promise((resolve) => {
      timer = setTimeout(() => resolve(`was not ready within ${READY_TIMEOUT / 1000} s`), READY_TIMEOUT);
      child.on('message', (message) => isReady(message) && resolve('ready'));
      child.once('exit', (code, signal) => resolve(`ended at once (${signal ?? `exit code ${code}`})`));
      child.once('error', (error) => resolve(error.message));
    });
    clearTimeout(timer);
    if (outcome === 'ready') return;
    await end(child, 'SIGKILL', STOP_TIMEOUT);
    const log = await readFile(this.log, 'utf8').catch(() => '');
    const lines = log.trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
    throw new UserError(`${this.name} ${outcome}. The end of ${this.log}:\n${lines}`);
  }
}

/** @param {unknown} message */
const isReady = (message) =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
