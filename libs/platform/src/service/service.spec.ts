import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, type Type } from '@nestjs/common';
import { once } from 'node:events';
import { Agent, get as request, type IncomingMessage } from 'node:http';
import { Answers, BatchPattern, Publisher, ServiceClient, USERS, type Delivery } from '#libs/broker';
import { traceparent, withTraceparent } from '#libs/observability';
import { SERVICES, type Ask } from '#libs/contracts';
import { Clock, DatabaseModule, domainTypes, migrate, TestClock } from '#libs/database';
import { serviceKeys, eventually, testBroker, testDatabase, type TestBroker, type TestDatabase } from '#libs/test-kit';
import { BaseConfig, ConfigError, type Environment } from './config.js';
import { Readiness } from './health.js';
import { platformMigrations } from '../calls/idempotency.js';
import { startService, type RunningService, type ServiceOptions } from './service.js';

interface Self {
  name: string;
  year: number;
  trace?: string;
}
const common = { timeout: 5_000, calledBy: [SERVICES] };
const who = (service: string): Ask<object, Self> => ({ ...common, service, subject: `rpc.${service}.who` });
const neighbour: Ask<{ name: string }, Self> = { ...common, service: 'east', subject: 'rpc.east.neighbour' };

let received: Delivery[] = [];
let failure: Error | undefined;

/** A request to `slow` reports its arrival and is answered when `held` resolves. */
let arrived = () => {};
let held: Promise<void> = Promise.resolve();

function serviceModule(name: string): Type {
  @Controller()
  class Calls {
    constructor(
      private readonly config: BaseConfig,
      private readonly clock: Clock,
      private readonly others: ServiceClient,
    ) {}

    @Answers(who(name))
    who(): Self {
      return { name: this.config.serviceName, year: this.clock.now().getUTCFullYear(), trace: traceparent() };
    }

    @Answers({ ...neighbour, subject: `rpc.${name}.neighbour` })
    neighbour({ name: other }: { name: string }): Promise<Self> {
      return this.others.ask(who(other), {});
    }

    @Get('slow')
    async slow(): Promise<string> {
      arrived();
      await held;
      return 'done';
    }

    @Get('greetings/:name')
    greet(): string {
      return 'hello';
    }
  }

  @Controller()
  class Events {
    @BatchPattern({ stream: USERS, filter: 'user.>', durable: `${name}-users` })
    async handle(batch: Delivery[]): Promise<void> {
      received.push(...batch);
      if (failure) throw failure;
    }
  }

  @Module({ imports: [DatabaseModule.forService([], [])], controllers: name === 'east' ? [Calls, Events] : [Calls] })
  class AnyService {}
  return AnyService;
}

let broker: TestBroker;
let database: TestDatabase;
let east: RunningService;
let west: RunningService;
const clock = new TestClock();
const lines = { east: [] as string[], west: [] as string[] };

const start = (name: 'east' | 'west', options: Partial<ServiceOptions> = {}): Promise<RunningService> => {
  const env = { DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'info', ...serviceKeys(name) };
  return startService({
    name,
    module: serviceModule(name),
    env,
    logTo: { write: (line) => void lines[name].push(line) },
    ...options,
  });
};

beforeAll(async () => {
  broker = await testBroker();
  database = await testDatabase({
    name: 'platform',
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, [domainTypes, ...platformMigrations])),
    fingerprint: 'nothing but the platform',
  });
  clock.advanceDays(3_660);
  [east, west] = await Promise.all([start('east', { clock }), start('west')]);
});

afterEach(() => {
  received = [];
  failure = undefined;
});

afterAll(async () => {
  await Promise.all([east.close(), west.close()]);
  await database.drop();
  await broker.stop();
});

const client = () => west.app.get(ServiceClient, { strict: false });
const get = (path: string, service = east) => fetch(`http://127.0.0.1:${service.port}${path}`);
const publish = (id: string) =>
  west.app.get(Publisher, { strict: false }).publishAll(USERS, [{ subject: 'user.updated.a.b', id, data: 'x' }]);

describe('two services in one process', () => {
  it('have separate names, clocks, ports and logs', async () => {
    const [inEast, inWest] = await Promise.all([client().ask(who('east'), {}), client().ask(who('west'), {})]);
    expect([inEast.name, inWest.name]).toEqual(['east', 'west']);
    expect(inEast.year).toBeGreaterThan(inWest.year);
    expect(east.port).not.toBe(west.port);
    for (const name of ['east', 'west'] as const) {
      const own = lines[name]
        .map((line): Record<string, unknown> => JSON.parse(line))
        .filter(({ msg }) => msg === 'ready');
      expect(own).toEqual([expect.objectContaining({ service: name })]);
    }
  });

  it('call each other and keep the trace', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await withTraceparent(trace, () => client().ask(neighbour, { name: 'west' }));
    expect(answer).toMatchObject({ name: 'west', trace });
  });
});

describe('events', () => {
  it('reach the method that subscribes to them', async () => {
    expect(await publish('e1')).toEqual(['stored']);
    await eventually(() => received.length === 1);
    expect(received[0]).toMatchObject({ subject: 'user.updated.a.b', deliveries: 1 });
  });

  it('are redelivered when the method throws; the log names the error without its message', async () => {
    failure = Object.assign(new RangeError('about alice@example.com'), { code: '40001' });
    await publish('e2');
    await eventually(() => received.length === 1);
    failure = undefined;
    await eventually(() => received.length === 2);
    expect(received[1]?.deliveries).toBe(2);
    const line = lines.east.find((written) => written.includes('east-users'));
    expect(line).toContain('"error":"RangeError","code":"40001"');
    expect(lines.east.join()).not.toContain('alice');
  });
});

describe('health and metrics', () => {
  it('reports that the service is alive and ready', async () => {
    expect((await get('/health/live')).status).toBe(200);
    const ready = await get('/health/ready');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: 'ok',
      info: { nats: { status: 'up' }, database: { status: 'up' } },
    });
  });

  it('is not ready but alive while one of the service’s own checks fails', async () => {
    let warm = false;
    west.app.get(Readiness, { strict: false }).add('warm', () => {
      if (!warm) throw new Error('cold');
      return true;
    });
    const cold = await get('/health/ready', west);
    expect(cold.status).toBe(503);
    expect(await cold.json()).toMatchObject({ error: { warm: { status: 'down' } } });
    expect((await get('/health/live', west)).status).toBe(200);
    warm = true;
    expect((await get('/health/ready', west)).status).toBe(200);
  });

  it('is not ready while the broker is down', async () => {
    await broker.kill();
    await eventually(async () => (await get('/health/ready')).status === 503);
    await broker.restart();
    await eventually(async () => (await get('/health/ready')).status === 200);
  });

  it('shows metrics, log lines by level, and requests by route, never by path', async () => {
    await get('/greetings/alice?who=bob');
    east.log.warn({}, 'something to look at');
    const page = await get('/metrics');
    expect(page.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await page.text();
    expect(text).toContain('leaver_http_seconds_count{method="GET",route="/greetings/:name",status="200"} 1');
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toMatch(/^leaver_log_lines_total\{level="warn"\} [1-9]/m);
    expect(text).not.toMatch(/alice|bob/);
    const line = await eventually(() => lines.east.find((written) => written.includes('/greetings/')));
    expect(JSON.parse(line!)).toMatchObject({ method: 'GET', route: '/greetings/:name', status: 200 });
    expect(lines.east.join()).not.toMatch(/alice|bob/);
  });
});

describe('metrics on a separate port', () => {
  let service: RunningService;
  const onMetricsPort = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${service.metricsPort}${path}`, { method });
  const start = (settings: Environment = {}) =>
    startService({
      name: 'gateway',
      module: Empty,
      config: BaseConfig,
      env: { NATS_URL: broker.url, LOG_LEVEL: 'silent', METRICS_PORT: '0', ...serviceKeys('gateway'), ...settings },
    });

  @Module({})
  class Empty {}

  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service.close());

  it('are served only there', async () => {
    expect((await get('/metrics', service)).status).toBe(404);
    const page = await onMetricsPort('/metrics');
    expect(page.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await page.text()).toContain('leaver_http_seconds_count{method="GET",route="none",status="404"} 1');
  });

  it('are the only content of that port', async () => {
    expect((await onMetricsPort('/health/live')).status).toBe(404);
    expect((await onMetricsPort('/metrics', 'POST')).status).toBe(405);
  });

  it('keep the service from starting if the port is taken', async () => {
    await expect(start({ METRICS_PORT: String(service.metricsPort) })).rejects.toThrow(/EADDRINUSE/);
  });

  it('stop with the service, even if a client keeps a connection open', async () => {
    const other = await start();
    const agent = new Agent({ keepAlive: true });
    const asking = once(request(`http://127.0.0.1:${other.metricsPort}/metrics`, { agent }), 'response');
    const [response] = (await asking) as [IncomingMessage];
    response.resume();
    await other.close();
    await expect(fetch(`http://127.0.0.1:${other.metricsPort}/metrics`)).rejects.toThrow();
    agent.destroy();
  });
});

describe('starting a service', () => {
  it('fails with all faults of the settings', async () => {
    await expect(startService({ name: 'south', module: serviceModule('south'), env: {} })).rejects.toThrow(ConfigError);
  });

  it('fails if the port is taken, and leaves no connection open', async () => {
    const env = { NATS_URL: broker.url, DATABASE_URL: database.url, ...serviceKeys('west'), PORT: String(east.port) };
    await expect(start('west', { env })).rejects.toThrow(/EADDRINUSE/);
  });

  it('needs no database in a process without one', async () => {
    @Module({})
    class Empty {}
    const env = { NATS_URL: broker.url, LOG_LEVEL: 'silent', ...serviceKeys('gateway') };
    const gateway = await startService({ name: 'gateway', module: Empty, config: BaseConfig, env });
    const ready = await get('/health/ready', gateway);
    expect(await ready.json()).toMatchObject({ info: { nats: { status: 'up' } } });
    await gateway.close();
  });
});

describe('stopping a service', () => {
  it('answers running requests and does not wait for keep-alive connections', async () => {
    const service = await start('west');
    const agent = new Agent({ keepAlive: true });
    let answer = () => {};
    held = new Promise((resolve) => (answer = resolve));
    const isThere = new Promise<void>((resolve) => (arrived = resolve));
    const asking = once(request(`http://127.0.0.1:${service.port}/slow`, { agent }), 'response');
    await isThere;
    const closing = service.close();
    await eventually(() => !service.app.getHttpServer().listening);
    const begun = performance.now();
    answer();
    const [response] = (await asking) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
    await closing;
    expect(performance.now() - begun).toBeLessThan(1_000);
    agent.destroy();
  });
});
