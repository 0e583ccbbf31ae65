import { clientOf } from '../../testing/index.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { closeNats, connectNats, type ServiceClient } from '#libs/broker';
import type { Problem } from '#libs/contracts';
import { serviceKeys, eventually, testBroker, type TestBroker } from '#libs/test-kit';
import type { Environment } from './config.js';
import { crash, ping, sleep } from '../../fixtures/sleeper.js';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

let broker: TestBroker;
let nats: NatsConnection;
let client: ServiceClient;
const running: Sleeper[] = [];

beforeAll(async () => {
  broker = await testBroker();
  nats = await connectNats({ url: broker.url, name: 'tests' });
  client = clientOf(nats, 'gateway');
});

afterEach(() => {
  for (const { process } of running.splice(0)) process.kill('SIGKILL');
});

afterAll(async () => {
  await closeNats(nats);
  await broker.stop();
});

interface Sleeper {
  process: ChildProcess;
  /** Everything it wrote to standard output and standard error. */
  output: string;
  ended: Promise<number | null>;
}

function start(env: Environment): Sleeper {
  const args = [
    '--import',
    fileURLToPath(new URL('../../../../scripts/lib/typescript-loader.mjs', import.meta.url)),
    fixture('sleeper.ts'),
    'run',
  ];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const sleeper: Sleeper = { process: child, output: '', ended: once(child, 'exit').then(([code]) => code) };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (sleeper.output += text));
  running.push(sleeper);
  return sleeper;
}

async function startReady(): Promise<Sleeper> {
  const sleeper = start({ NATS_URL: broker.url, ...serviceKeys('sleeper') });
  const [message] = await Promise.race([once(sleeper.process, 'message'), sleeper.ended.then(() => [sleeper.output])]);
  expect(message).toEqual({ type: 'ready', port: expect.any(Number) });
  return sleeper;
}

const isGone = () =>
  client.ask(ping, {}).then(
    () => false,
    ({ details }: Problem) => details.detail === 'The service is not running.',
  );

describe('a service as a process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'finishes the running call on %s, accepts no other, and exits with 0',
    async (signal) => {
      const sleeper = await startReady();
      const call = client.ask(sleep, {});
      await once(sleeper.process, 'message');
      sleeper.process.kill(signal);
      await eventually(async () => isGone());
      sleeper.process.send('wake up');
      expect(await call).toBe('slept well');
      expect(await sleeper.ended).toBe(0);
    },
  );

  it('stops when its parent process is gone', async () => {
    const sleeper = await startReady();
    sleeper.process.disconnect();
    expect(await sleeper.ended).toBe(0);
  });

  it('exits with 1 after an uncaught error, and logs it without its message', async () => {
    const sleeper = await startReady();
    await client.ask(crash, {}).catch(() => undefined);
    expect(await sleeper.ended).toBe(1);
    await eventually(() => sleeper.output.includes('"event":"uncaughtException","error":"Error"'));
    expect(sleeper.output).not.toContain('alice');
  });

  it('refuses to start with invalid settings and lists them all', async () => {
    const sleeper = start({ PORT: '-1' });
    expect(await sleeper.ended).toBe(1);
    await eventually(() => sleeper.output.includes('PORT must not be less than 0'));
    expect(sleeper.output).toContain('NATS_URL is not set');
  });
});
