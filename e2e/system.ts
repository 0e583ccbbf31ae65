import { Ids, TestClock } from '#libs/database';
import { RetryWorker, ScheduledActionWorker, TaskWorker } from '#libs/lifecycle';
import { startService, type RunningService } from '#libs/platform';
import { gateway } from '../services/gateway/src/gateway.js';
import { Api } from './api.js';
import { Foundation, PARTS, type Contents } from './foundation.js';
import { allIntroduced } from './readiness.js';

interface SystemOptions {
  /** Services of other teams that may join later. */
  externalServices?: readonly string[];
  /** What databases and broker hold at the start; nothing unless given. */
  contents?: Contents;
  clock?: TestClock;
}

/** All services in one process, on databases and a broker of their own, with one clock that can be moved. */
export class System {
  /** Every line that any service has logged, at the level that tells most. */
  readonly logged: string[];

  private readonly running = new Map<string, RunningService>();

  private constructor(
    readonly clock: TestClock,
    private readonly foundation: Foundation,
    logged: string[],
  ) {
    this.logged = logged;
  }

  get services(): ReadonlyMap<string, RunningService> {
    return this.running;
  }

  static async start({
    externalServices = [],
    contents,
    clock = new TestClock(),
  }: SystemOptions = {}): Promise<System> {
    const foundation = await Foundation.lay(externalServices, contents);
    const system = new System(clock, foundation, []);
    for (const { name } of [...PARTS, gateway]) await system.startOne(name);
    await allIntroduced(system.url);
    return system;
  }

  /** @param settings in place of what the service finds in its environment */
  async startOne(name: string, settings: Record<string, string> = {}): Promise<void> {
    const part = [...PARTS, gateway].find((one) => one.name === name)!;
    const env = { ...this.foundation.env(name), LOG_LEVEL: 'trace', ...settings };
    const logTo = { write: (line: string) => void this.logged.push(line) };
    const { clock } = this;
    this.running.set(name, await startService({ ...part, env, clock, ids: new Ids(clock), logTo }));
  }

  async stopOne(name: string): Promise<void> {
    await this.running.get(name)!.close();
    this.running.delete(name);
  }

  get url(): string {
    return `http://127.0.0.1:${this.services.get('gateway')!.port}`;
  }

  brokerUrl(user: string): string {
    return this.foundation.brokerUrl(user);
  }

  /** A service's database with all rights, to do what nobody should be able to do. */
  databaseUrl(service: string): string {
    return this.foundation.databases.get(service)!.adminUrl;
  }

  /** The same database as the service itself enters it. */
  serviceDatabaseUrl(service: string): string {
    return this.foundation.databases.get(service)!.url;
  }

  api(token?: string): Api {
    return new Api(this.url, token);
  }

  /** Moves the clock, and lets what is due happen. */
  advanceDays(days: number): void {
    this.clock.advanceDays(days);
    for (const { name } of PARTS) {
      const { app } = this.services.get(name)!;
      for (const worker of [ScheduledActionWorker, TaskWorker, RetryWorker]) app.get(worker, { strict: false }).wake();
    }
  }

  async stop(): Promise<void> {
    for (const service of [...this.running.values()].reverse()) await service.close();
    await this.foundation.clear();
  }
}
