import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, NatsConnection } from '@nats-io/transport-node';
import { testBroker, type TestBroker } from '#libs/test-kit';
import { eventually } from './eventually.js';

async function withConnection<T>(servers: string, work: (nc: NatsConnection) => Promise<T>): Promise<T> {
  const nc = await connect({ servers, reconnect: false });
  try {
    return await work(nc);
  } finally {
    await nc.close();
  }
}

async function store(url: string, text: string) {
  await withConnection(url, async (nc) => {
    await (await jetstreamManager(nc)).streams.add({ name: 'NOTES', subjects: ['notes'] });
    await jetstream(nc).publish('notes', text);
  });
}

function stored(url: string): Promise<string[]> {
  return withConnection(url, async (nc) => {
    const streams: string[] = [];
    for await (const { config, state } of (await jetstreamManager(nc)).streams.list()) {
      streams.push(`${config.name} ${state.messages}`);
    }
    return streams;
  });
}

describe('a test broker', () => {
  let broker: TestBroker;
  beforeEach(async () => {
    broker = await testBroker();
  });
  afterEach(() => broker.stop());

  it('keeps its URL and its data over a crash', async () => {
    await store(broker.url, 'hello');
    await broker.kill();
    await expect(connect({ servers: broker.url, reconnect: false })).rejects.toThrow();
    await broker.restart();
    await expect(eventually(() => stored(broker.url))).resolves.toEqual(['NOTES 1']);
  });

  it('can be restarted without data', async () => {
    await store(broker.url, 'hello');
    await broker.restartEmpty();
    await expect(stored(broker.url)).resolves.toEqual([]);
  });

  it('accepts messages of up to 8 MiB', async () => {
    await withConnection(broker.url, async (nc) => expect(nc.info?.max_payload).toBe(8 * 1024 * 1024));
  });

  it('is private to the caller', async () => {
    const other = await testBroker();
    await store(broker.url, 'mine');
    await expect(stored(other.url)).resolves.toEqual([]);
    await other.stop();
  });
});

describe('a NATS user', () => {
  const asker = { name: 'asker', password: 'one', publish: ['rpc.>'], subscribe: ['_INBOX.>'] };
  const answerer = { name: 'answerer', password: 'two', publish: [], subscribe: ['rpc.time'], answers: true };
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await testBroker({ users: [asker, answerer] });
  });
  afterAll(() => broker.stop());

  const as = (user: typeof asker) =>
    connect({ servers: broker.url, user: user.name, pass: user.password, reconnect: false });

  it('can connect only with its password', async () => {
    await expect(as({ ...asker, password: 'guessed' })).rejects.toThrow(/authorization/i);
    await expect(connect({ servers: broker.url, reconnect: false })).rejects.toThrow(/authorization/i);
  });

  it('cannot publish or subscribe without permission', async () => {
    const nc = await as(asker);
    const refused: string[] = [];
    void (async () => {
      for await (const status of nc.status()) if (status.type === 'error') refused.push(status.error.message);
    })();
    nc.publish('user.deleted', 'forged');
    nc.subscribe('user.>', { callback: () => undefined });
    nc.publish('rpc.time');
    await nc.flush();
    await eventually(() => refused.length === 2);
    expect(refused.join()).toMatch(/publish.*user\.deleted/i);
    expect(refused.join()).toMatch(/subscription.*user\.>/i);
    await nc.close();
  });

  it('can reply to requests without a permission to publish', async () => {
    const [asking, answering] = await Promise.all([as(asker), as(answerer)]);
    answering.subscribe('rpc.time', { callback: (_, message) => void message.respond('noon') });
    await answering.flush();
    const answer = await asking.request('rpc.time', '', { timeout: 5_000 });
    expect(answer.string()).toBe('noon');
    await Promise.all([asking.close(), answering.close()]);
  });
});
