import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Nats, NatsAccounts, NatsUser, startNats } from '#libs/local-servers';
import { testRun } from './test-run.js';

export interface TestBroker {
  url: string;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
  /** Kills the server, as in a crash. */
  kill(): Promise<void>;
  /** Kills the server if it is running, and starts it on the same port with its data. */
  restart(): Promise<void>;
  /** Like restart(), but all data is lost, as with a broken disk. */
  restartEmpty(): Promise<void>;
}

export interface TestBrokerOptions {
  users?: NatsUser[];
  accounts?: NatsAccounts;
}

/** Starts a broker for the calling test file. It stops with the test process, however that ends. */
export async function testBroker({ users, accounts }: TestBrokerOptions = {}): Promise<TestBroker> {
  const run = testRun();
  const dir = await mkdtemp(join(run.dir, 'nats-'));
  const start = (port?: number) => startNats({ server: run.natsServer, dir, port, users, accounts, throwaway: true });
  let nats: Nats = await start();
  const restart = async () => {
    await nats.kill();
    nats = await start(nats.port);
  };
  return {
    url: nats.url,
    kill: () => nats.kill(),
    restart,
    restartEmpty: async () => {
      await nats.kill();
      await rm(join(dir, 'store'), { recursive: true, force: true });
      await restart();
    },
    stop: async () => {
      await nats.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
