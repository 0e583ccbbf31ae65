import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { Strike } from '#libs/jobs';
import { freePort } from '#libs/local-servers';
import { PARTS } from '../e2e/foundation.js';
import { allIntroduced } from '../e2e/readiness.js';
import { MEMORY_LIMITS } from '../scripts/lib/supervisor.mjs';
import { built, CACHE, forgetBuilds } from './builds.js';
import { QUICKER, type Edit } from './edits.js';
import { Servers, type ServersOptions } from './servers.js';

export const SERVICES: readonly string[] = PARTS.map((part) => part.name);
export const EVERYBODY: readonly string[] = [...SERVICES, 'gateway'];

/** Lets the parent set the clock that the build reads. */
const CLOCK = `data:text/javascript,process.on('message', ({ clock }) => (globalThis.clockOffset = clock ?? globalThis.clockOffset))`;

/** Each service in a process of its own. Whatever ends without being told to is started again, as an orchestrator does. */
export class Cluster {
  /** How often each failpoint has struck, by its name and action. */
  readonly struck = new Map<string, number>();
  /** How often a process has ended without being told to. */
  ended = 0;
  private readonly children = new Map<string, ChildProcess>();
  private readonly ports = new Map<string, number>();
  private readonly missing = new Map<string, readonly Edit[]>();
  private readonly resting = new Set<string>();
  private readonly starting = new Set<Promise<void>>();

  private constructor(
    readonly servers: Servers,
    private readonly port: number,
    private readonly edits: readonly Edit[],
  ) {}

  static async start(edits: readonly Edit[] = QUICKER, servers: ServersOptions = { proxied: true }): Promise<Cluster> {
    const cluster = new Cluster(await Servers.start(servers), await freePort(), edits);
    await Promise.all(EVERYBODY.map((name) => cluster.run(name)));
    await allIntroduced(cluster.url);
    return cluster;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How often any failpoint has struck. */
  get strikes(): number {
    return [...this.struck.values()].reduce((sum, count) => sum + count, 0);
  }

  /** From now on the service runs without these safeguards. */
  async without(name: string, missing: readonly Edit[]): Promise<void> {
    this.missing.set(name, missing);
    await this.takeDown(name);
    await this.run(name);
  }

  /** Starts the service and waits until it is ready. */
  async run(name: string): Promise<void> {
    this.resting.delete(name);
    const missing = this.missing.get(name) ?? [];
    const log = process.env.FAULTS_LOG
      ? openSync(`${process.env.FAULTS_LOG_DIR ?? '/tmp'}/faults-${name}.log`, 'a')
      : 'ignore';
    const child = spawn(
      process.execPath,
      [...MEMORY_LIMITS, '--import', CLOCK, join(await built([...this.edits, ...missing]), `${name}.js`)],
      {
        env: {
          PATH: process.env.PATH,
          LEAVER_FAILPOINTS: 'on',
          LEAVER_CALLS_IN_TRANSACTION: 'throw',
          NODE_COMPILE_CACHE: join(CACHE, 'v8'),
          ...this.servers.env(name),
          ...(name === 'gateway' && { PORT: String(this.port) }),
        },
        stdio: ['ignore', log, log, 'ipc'],
      },
    );
    this.children.set(name, child);
    child.on('message', (message: { struck?: Strike }) => this.note(message.struck));
    const ended = once(child, 'exit');
    child.once('exit', () => this.whenEnded(name, child));
    const ready = new Promise((resolve) =>
      child.on('message', ({ type, port }: { type?: string; port?: number }) => {
        if (type !== 'ready') return;
        this.ports.set(name, port!);
        resolve(undefined);
      }),
    );
    await Promise.race([ready, ended]);
  }

  /** Where the service tells how it is. */
  healthOf(name: string): string {
    return `http://127.0.0.1:${this.ports.get(name)}/health/ready`;
  }

  pidOf(name: string): number {
    return this.children.get(name)!.pid!;
  }

  /** Has the service fail, or end, the next time it comes to the failpoint. */
  strike(name: string, strike: Strike): void {
    this.tell(name, strike);
  }

  /** Sets the service's clock ahead, or back, by so many milliseconds. */
  setClock(name: string, offset: number): void {
    this.tell(name, { clock: offset });
  }

  /** Without a warning; it comes back by itself. */
  kill(name: string): void {
    this.children.get(name)!.kill('SIGKILL');
  }

  /** As an orchestrator asks it to; it comes back by itself. */
  terminate(name: string): void {
    this.children.get(name)!.kill('SIGTERM');
  }

  /** Ends it, and leaves it so until `run`. */
  async takeDown(name: string): Promise<void> {
    this.resting.add(name);
    const child = this.children.get(name)!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Waits until everybody who has ended is back. */
  async whole(): Promise<void> {
    while (this.starting.size > 0) await Promise.all(this.starting);
  }

  async stop(): Promise<void> {
    for (const name of EVERYBODY) this.resting.add(name);
    await this.whole();
    await Promise.all(EVERYBODY.map((name) => this.takeDown(name)));
    await this.servers.stop();
    await forgetBuilds();
  }

  private whenEnded(name: string, child: ChildProcess): void {
    if (this.resting.has(name) || this.children.get(name) !== child) return;
    this.ended += 1;
    const start = this.run(name).finally(() => this.starting.delete(start));
    this.starting.add(start);
  }

  private tell(name: string, message: object): void {
    const child = this.children.get(name)!;
    if (child.connected) child.send(message, () => undefined);
  }

  private note(strike: Strike | undefined): void {
    if (!strike) return;
    const key = `${strike.failpoint} ${strike.action}`;
    this.struck.set(key, (this.struck.get(key) ?? 0) + 1);
  }
}
