import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Strike } from '#libs/jobs';
import { freePort } from '#libs/local-servers';
import { buildOnce, CACHE, removeBuilds } from '../../faults/cluster/builds.js';
import { REPUBLISHES_SOON } from '../../faults/edits.js';
import { Api } from './api.js';
import { Foundation, PARTS } from './foundation.js';
import { allIntroduced } from './readiness.js';

interface ProcessOptions {
  /** Additional settings for all services. */
  settings?: Record<string, string>;
  /** Receives the services' standard output, which otherwise goes to the test's. */
  hear?: (text: string) => void;
}

/** Runs each service in its own process, so that it can be killed. */
export class Processes {
  private readonly children = new Map<string, ChildProcess>();

  private constructor(
    private readonly foundation: Foundation,
    private readonly port: number,
    private readonly options: ProcessOptions,
  ) {}

  static async start(options: ProcessOptions = {}): Promise<Processes> {
    const processes = new Processes(await Foundation.lay(), await freePort(), options);
    await Promise.all([...PARTS.map((part) => part.name), 'gateway'].map((name) => processes.run(name)));
    await allIntroduced(processes.url);
    return processes;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  api(token?: string): Api {
    return new Api(this.url, token);
  }

  /** Starts the service and waits until it is ready. */
  run(name: string): Promise<void> {
    return this.spawnOne(name, name, name === 'gateway' ? { PORT: String(this.port) } : {});
  }

  private async spawnOne(name: string, as: string, own: Record<string, string>): Promise<void> {
    const { settings, hear } = this.options;
    const child = spawn(process.execPath, [join(await buildOnce([REPUBLISHES_SOON]), `${name}.js`)], {
      env: {
        PATH: process.env.PATH,
        LEAVER_CALLS_IN_TRANSACTION: 'throw',
        NODE_COMPILE_CACHE: join(CACHE, 'v8'),
        ...this.foundation.env(name),
        ...own,
        ...settings,
      },
      stdio: ['ignore', hear ? 'pipe' : 'inherit', 'inherit', 'ipc'],
    });
    child.stdout?.setEncoding('utf8').on('data', hear!);
    this.children.set(as, child);
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended with ${code}`)));
    await Promise.race([once(child, 'message'), ended]);
    ended.catch(() => undefined);
  }

  /** Makes the service fail, or end, when it next passes the failpoint. It needs `LEAVER_FAILPOINTS`. */
  strike(name: string, strike: Strike): void {
    this.children.get(name)!.send(strike);
  }

  /** Waits until the process has ended by itself. */
  async ended(name: string): Promise<void> {
    const child = this.children.get(name)!;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  /** Starts another gateway. @returns its URL */
  async anotherGateway(): Promise<string> {
    const port = await freePort();
    await this.spawnOne('gateway', `gateway on ${port}`, { PORT: String(port) });
    return `http://127.0.0.1:${port}`;
  }

  /** Sends SIGKILL, as the kernel does when memory runs out. */
  async kill(name: string): Promise<void> {
    const child = this.children.get(name)!;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    const running = [...this.children.values()].filter((child) => child.exitCode === null && child.signalCode === null);
    const gone = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGTERM');
    await Promise.all(gone);
    await Promise.all([this.foundation.clear(), removeBuilds()]);
  }
}
