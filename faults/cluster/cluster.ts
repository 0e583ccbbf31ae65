import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { Strike } from '#libs/jobs';
import { freePort } from '#libs/local-servers';
import { PARTS } from '../../e2e/support/foundation.js';
import { allIntroduced } from '../../e2e/support/readiness.js';
import { MEMORY_LIMITS } from '../../scripts/lib/supervisor.mjs';
import { buildOnce, CACHE, removeBuilds } from './builds.js';
import { QUICKER, type Edit } from '../edits.js';
import { Servers, type ServersOptions } from './servers.js';

export const SERVICES: readonly string[] = PARTS.map((part) => part.name);
export const PROCESSES: readonly string[] = [...SERVICES, 'gateway'];

/** Lets the parent process set the clock offset that the build reads. */
const CLOCK = `data:text/javascript,process.on('message', ({ clock }) => (globalThis.clockOffset = clock ?? globalThis.clockOffset))`;

/** Runs each service in its own process and restarts processes that end unexpectedly, as an orchestrator does. */
export class Cluster {
  /** How often each failpoint has struck, by name and action. */
  readonly struck = new Map<string, number>();
  /** How many processes have ended unexpectedly. */
  ended = 0;
  private readonly children = new Map<string, ChildProcess>();
  private readonly ports = new Map<string, number>();
  private readonly missing = new Map<string, readonly Edit[]>();
  private readonly takenDown = new Set<string>();
  private readonly starting = new Set<Promise<void>>();

  private constructor(
    readonly servers: Servers,
    private readonly port: number,
    private readonly edits: readonly Edit[],
  ) {}

  static async start(edits: readonly Edit[] = QUICKER, servers: ServersOptions = { proxied: true }): Promise<Cluster> {
    const cluster = new Cluster(await Servers.start(servers), await freePort(), edits);
    await Promise.all(PROCESSES.map((name) => cluster.run(name)));
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

  /** Restarts the service without these safeguards. An empty list restores them. */
  async without(name: string, missing: readonly Edit[]): Promise<void> {
    this.missing.set(name, missing);
    await this.takeDown(name);
    await this.run(name);
  }

  /** Starts the service and waits until it is ready. */
  async run(name: string): Promise<void> {
    this.takenDown.delete(name);
    const missing = this.missing.get(name) ?? [];
    const log = process.env.FAULTS_LOG
      ? openSync(`${process.env.FAULTS_LOG_DIR ?? '/tmp'}/faults-${name}.log`, 'a')
      : 'ignore';
    const child = spawn(
      process.execPath,
      [...MEMORY_LIMITS, '--import', CLOCK, join(await buildOnce([...this.edits, ...missing]), `${name}.js`)],
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
    child.on('message', (message: { struck?: Strike }) => this.count(message.struck));
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

  /** The URL of the service's readiness check. */
  healthOf(name: string): string {
    return `http://127.0.0.1:${this.ports.get(name)}/health/ready`;
  }

  pidOf(name: string): number {
    return this.children.get(name)!.pid!;
  }

  /** Makes the service fail, or end, the next time it passes the failpoint. */
  strike(name: string, strike: Strike): void {
    this.send(name, strike);
  }

  /** @param offset milliseconds by which the service's clock is ahead; negative for behind */
  setClock(name: string, offset: number): void {
    this.send(name, { clock: offset });
  }

  /** Sends SIGKILL. The cluster restarts the process. */
  kill(name: string): void {
    this.children.get(name)!.kill('SIGKILL');
  }

  /** Sends SIGTERM, as an orchestrator does. The cluster restarts the process. */
  terminate(name: string): void {
    this.children.get(name)!.kill('SIGTERM');
  }

  /** Ends the process without a restart; `run` starts it again. */
  async takeDown(name: string): Promise<void> {
    this.takenDown.add(name);
    const child = this.children.get(name)!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Waits until all processes that ended have been restarted. */
  async whole(): Promise<void> {
    while (this.starting.size > 0) await Promise.all(this.starting);
  }

  async stop(): Promise<void> {
    for (const name of PROCESSES) this.takenDown.add(name);
    await this.whole();
    await Promise.all(PROCESSES.map((name) => this.takeDown(name)));
    await this.servers.stop();
    await removeBuilds();
  }

  private whenEnded(name: string, child: ChildProcess): void {
    if (this.takenDown.has(name) || this.children.get(name) !== child) return;
    this.ended += 1;
    const start = this.run(name).finally(() => this.starting.delete(start));
    this.starting.add(start);
  }

  private send(name: string, message: object): void {
    const child = this.children.get(name)!;
    if (child.connected) child.send(message, () => undefined);
  }

  private count(strike: Strike | undefined): void {
    if (!strike) return;
    const key = `${strike.failpoint} ${strike.action}`;
    this.struck.set(key, (this.struck.get(key) ?? 0) + 1);
  }
}
