import { Ids, TestClock } from '#libs/database';
import { serviceKeys, type Mailboxes } from '#libs/test-kit';
import { startService, type RunningService } from '#libs/platform';
import { wakeOnAdvance } from '#libs/platform/testing';
import { gateway } from '../../services/gateway/src/gateway.js';
import { Api } from './api.js';
import { Foundation, PARTS, type Contents } from './foundation.js';
import { allIntroduced } from './readiness.js';

interface SystemOptions {
  /** Names of external services that may be onboarded later. */
  externalServices?: readonly string[];
  /** Names of programs that read events, besides `subscriber`. */
  subscribers?: readonly string[];
  /** The initial contents of databases and broker; empty by default. */
  contents?: Contents;
  clock?: TestClock;
}

/** All services in one process, with their own databases and broker and a common test clock. */
export class System {
  /** All log lines of all services, at level trace. */
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
    subscribers = [],
    contents,
    clock = new TestClock(),
  }: SystemOptions = {}): Promise<System> {
    const foundation = await Foundation.lay(externalServices, contents, subscribers);
    const system = new System(clock, foundation, []);
    for (const { name } of [...PARTS, gateway]) await system.startOne(name);
    await allIntroduced(system.url);
    return system;
  }

  /** @param settings replace settings of the service's environment */
  async startOne(name: string, settings: Record<string, string> = {}): Promise<void> {
    const part = [...PARTS, gateway].find((one) => one.name === name)!;
    const env = { ...this.foundation.env(name), LOG_LEVEL: 'trace', ...settings };
    const logTo = { write: (line: string) => void this.logged.push(line) };
    const { clock } = this;
    const service = await startService({ ...part, env, clock, ids: new Ids(clock), logTo });
    wakeOnAdvance(clock, service);
    this.running.set(name, service);
  }

  async stopOne(name: string): Promise<void> {
    await this.running.get(name)!.close();
    this.running.delete(name);
  }

  get url(): string {
    return `http://127.0.0.1:${this.services.get('gateway')!.port}`;
  }

  /** The environment of the command line as the operator of the broker. */
  get operator(): { NATS_URL: string; SERVICE_KEY: string } {
    return { NATS_URL: this.brokerUrl('operator'), SERVICE_KEY: serviceKeys('operator').SERVICE_KEY };
  }

  /** Where all mails of the system arrive. */
  get mailboxes(): Mailboxes {
    return this.foundation.mailboxes;
  }

  brokerUrl(user: string): string {
    return this.foundation.brokerUrl(user);
  }

  /** The URL of a service's database for the superuser, who can bypass all checks. */
  databaseUrl(service: string): string {
    return this.foundation.databases.get(service)!.adminUrl;
  }

  /** The URL of the same database for the service's own user. */
  serviceDatabaseUrl(service: string): string {
    return this.foundation.databases.get(service)!.url;
  }

  /** The broker starts again without its data, as with a broken disk. */
  loseBroker(): Promise<void> {
    return this.foundation.broker.restartEmpty();
  }

  api(token?: string): Api {
    return new Api(this.url, token);
  }

  advanceDays(days: number): void {
    this.clock.advanceDays(days);
  }

  async stop(): Promise<void> {
    for (const service of [...this.running.values()].reverse()) await service.close();
    await this.foundation.clear();
  }
}
