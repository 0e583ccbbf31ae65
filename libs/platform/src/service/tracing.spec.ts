import { clientOf } from '../../testing/index.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { closeNats, connectNats } from '#libs/broker';
import { withTraceparent } from '#libs/observability';
import { serviceKeys, eventually, testBroker, type TestBroker } from '#libs/test-kit';
import { freePort } from '#libs/local-servers';
import { ping } from '../../fixtures/sleeper.js';
import { TestCollector } from '#libs/platform/testing';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

/**
 * Preloaded module that prints which OpenTelemetry packages a process loads; the API package is always loaded by
 * another package.
 */
const LOAD_LOGGER = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) {
    const name = /@opentelemetry\\/(?!api\\/)[^/]+/.exec(url)?.[0];
    if (name) process.stderr.write('loads ' + name + '\\n');
    return next(url, context);
  } });`)}`;

let broker: TestBroker;
let nats: NatsConnection;
let collector: TestCollector | undefined;
let sleeper: { process: ChildProcess; output: string; ended: Promise<number | null> };

beforeAll(async () => {
  broker = await testBroker();
  nats = await connectNats({ url: broker.url, name: 'tests' });
});
afterEach(async () => {
  sleeper.process.kill('SIGKILL');
  await collector?.stop();
  collector = undefined;
});
afterAll(async () => {
  await closeNats(nats);
  await broker.stop();
});

async function start(env: Record<string, string>): Promise<void> {
  const args = [
    '--import',
    LOAD_LOGGER,
    '--import',
    file('../../../../scripts/lib/typescript-loader.mjs'),
    file('../../fixtures/sleeper.ts'),
  ];
  const child = spawn(process.execPath, [...args, 'run'], {
    env: { PATH: process.env.PATH, NATS_URL: broker.url, ...serviceKeys('sleeper'), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  sleeper = { process: child, output: '', ended: once(child, 'exit').then(([code]) => code) };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (sleeper.output += text));
  await once(child, 'message');
}

async function stop(): Promise<number | null> {
  sleeper.process.kill('SIGTERM');
  return sleeper.ended;
}

/** A call that belongs to a trace and is therefore recorded. */
const call = () => withTraceparent(`00-${TRACE}-${CALLER}-01`, () => clientOf(nats, 'gateway').ask(ping, {}));

describe('a service without a collector', () => {
  it('does not load the OpenTelemetry SDK', async () => {
    await start({});
    expect(await call()).toBe('here');
    expect(await stop()).toBe(0);
    expect(sleeper.output).not.toContain('loads @opentelemetry');
  });
});

describe('a service with a collector', () => {
  it('has sent every span when it has stopped', async () => {
    collector = await TestCollector.start();
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` });
    expect(sleeper.output).toContain('loads @opentelemetry/sdk-trace');
    expect(await call()).toBe('here');
    expect(await stop()).toBe(0);
    expect(collector.spans).toMatchObject([
      { service: 'sleeper', name: 'sleeper/ping', kind: 'server', traceId: TRACE, parentSpanId: CALLER },
    ]);
  });

  it('drops spans that the caller has not sampled', async () => {
    collector = await TestCollector.start();
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    expect(await withTraceparent(`00-${TRACE}-${CALLER}-00`, () => clientOf(nats, 'gateway').ask(ping, {}))).toBe(
      'here',
    );
    expect(await stop()).toBe(0);
    expect(collector.spans).toEqual([]);
  });

  it('records no trace if the sampler says so', async () => {
    collector = await TestCollector.start();
    await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    expect(await call()).toBe('here');
    expect(await stop()).toBe(0);
    expect(collector.spans).toEqual([]);
  });

  it('answers and stops in time when the collector accepts spans but never responds', async () => {
    collector = await TestCollector.start({ answering: false });
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    // Enough spans to be sent immediately.
    for (let n = 0; n < 600; n++) expect(await call()).toBe('here');
    await eventually(() => collector!.spans.length > 0);
    expect(await call()).toBe('here');
    expect(await stop()).toBe(0);
  });

  it('logs once that the collector is down, and goes on', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
    const failures = () => sleeper.output.split('cannot send spans').length - 1;
    for (let n = 0; n < 600; n++) await call();
    await eventually(() => failures() > 0, { timeout: 20_000 });
    for (let n = 0; n < 600; n++) expect(await call()).toBe('here');
    expect(await stop()).toBe(0);
    expect(failures()).toBe(1);
  });
});
