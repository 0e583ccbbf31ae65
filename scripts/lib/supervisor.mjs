import { spawn } from 'node:child_process';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { end, guard } from '#libs/local-servers';
import { Fault } from './prepare.mjs';
import { root } from './root.mjs';
import { bundles } from './services.mjs';

const READY_WITHIN = 60_000;
const GRACE = 5_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** A service that ran this long before it died starts over with the shortest pause. */
const STEADY = 60_000;
/** The young generation is kept small, too: it is the larger part of what an idle service would otherwise hold. */
export const MEMORY = ['--max-old-space-size=160', '--max-semi-space-size=4'];

/** Runs one service as a process of its own and starts it again when it dies. */
export class Supervised {
  #pause = FIRST_PAUSE;
  #stopping = false;
  #child;
  #restart;

  constructor({ name, env, logs, say }) {
    this.name = name;
    this.env = env;
    this.log = join(logs, `${name}.log`);
    this.say = say;
  }

  /** Resolves when the service is ready. @throws Fault with the end of its log when it doesn't get that far */
  async start() {
    await rename(this.log, `${this.log}.previous`).catch(() => undefined);
    await this.#run();
  }

  async stop() {
    this.#stopping = true;
    clearTimeout(this.#restart);
    if (this.#child) await end(this.#child, 'SIGTERM', GRACE);
  }

  async #run() {
    const begun = performance.now();
    const child = await this.#spawn();
    await this.#untilReady(child);
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      if (performance.now() - begun > STEADY) this.#pause = FIRST_PAUSE;
      this.#again(`${this.name} ended unexpectedly (${signal ?? `exit code ${code}`})`);
    });
  }

  #again(reason) {
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, LONGEST_PAUSE);
    this.say(`${reason}; starting it again in ${pause / 1000} s. Its log: ${this.log}`);
    this.#restart = setTimeout(async () => {
      try {
        await this.#run();
        this.say(`${this.name} is back`);
      } catch {
        if (!this.#stopping) this.#again(`${this.name} did not start`);
      }
    }, pause);
  }

  async #spawn() {
    const output = await open(this.log, 'a', 0o600);
    const main = join(root, bundles, `${this.name}.js`);
    const child = spawn(process.execPath, [...MEMORY, main], {
      cwd: root,
      env: this.env,
      stdio: ['ignore', output.fd, output.fd, 'ipc'],
      // A session of its own: Ctrl-C in the terminal is for us alone, we stop the services in order.
      detached: true,
    });
    await output.close();
    guard(child, 'TERM');
    this.#child = child;
    return child;
  }

  async #untilReady(child) {
    let timer;
    const outcome = await new Promise((done) => {
      timer = setTimeout(() => done(`was not ready within ${READY_WITHIN / 1000} s`), READY_WITHIN);
      child.on('message', (message) => message?.type === 'ready' && done('ready'));
      child.once('exit', (code, signal) => done(`ended at once (${signal ?? `exit code ${code}`})`));
      child.once('error', (error) => done(error.message));
    });
    clearTimeout(timer);
    if (outcome === 'ready') return;
    await end(child, 'SIGKILL', GRACE);
    const said = (await readFile(this.log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-15).join('\n');
    throw new Fault(`${this.name} ${outcome}. The end of ${this.log}:\n${said}`);
  }
}
