import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Nats, NatsUser, startNats } from '#libs/local-servers';
import { testRun } from './test-run.js';

export interface TestBroker {
  url: string;
  /** Stops the server and forgets what it stored. */
  stop(): Promise<void>;
  /** Ends the server as a crash would. */
  kill(): Promise<void>;
  /** Ends it if it runs, and starts it on the same port with what is stored. */
  restart(): Promise<void>;
  /** As restart(), but everything stored is lost: what a broker with a broken disk does. */
  restartEmpty(): Promise<void>;
}

/** A broker for the calling test file alone. It ends with the test process, whichever way that ends. */
export async function testBroker({ users }: { users?: NatsUser[] } = {}): Promise<TestBroker> {
  const run = testRun();
  const dir = await mkdtemp(join(run.dir, 'nats-'));
  const start = (port?: number) => startNats({ server: run.natsServer, dir, port, users, throwaway: true });
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
