import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { eventually, testBroker, type TestBroker } from '#libs/test-kit';
import { closeNats, connectNats, isConnected } from './connection.js';
import type { MessageToPublish } from './message.js';
import { Publisher } from './publisher.js';
import { DEPARTURES, ensureConsumer, ensureStream, USERS } from './streams.js';

const REPLICAS_NEED_A_CLUSTER = 10074;

let broker: TestBroker;
let nats: NatsConnection;
let manager: JetStreamManager;
let publisher: Publisher;

beforeAll(async () => {
  broker = await testBroker();
  nats = await connectNats({ url: broker.url, name: 'tests' });
  manager = await jetstreamManager(nats);
  publisher = new Publisher(nats);
});

afterEach(async () => {
  for (const { name } of [USERS, DEPARTURES]) await manager.streams.delete(name).catch(() => undefined);
});

afterAll(async () => {
  await closeNats(nats);
  await broker.stop();
});

const message = (id: string, overrides: Partial<MessageToPublish> = {}): MessageToPublish => ({
  subject: 'user.updated.a.u',
  id,
  data: `data of ${id}`,
  ...overrides,
});
const many = (count: number, prefix: string) => Array.from({ length: count }, (_, n) => message(`${prefix}${n}`));
const stored = async () => (await manager.streams.info(USERS.name)).state.messages;

describe('publishing', () => {
  it('stores thousands of messages in order, with results in the same order', async () => {
    await ensureStream(manager, USERS);
    const messages = many(5_000, 'order-');
    const results = await publisher.publishAll(USERS, messages);
    expect(results).toEqual(messages.map(() => 'stored'));
    expect(await stored()).toBe(5_000);
    const last = await manager.streams.getMessage(USERS.name, { seq: 5_000 });
    expect(last?.string()).toBe('data of order-4999');
  });

  it('reports duplicates', async () => {
    await publisher.publishAll(USERS, [message('twice')]);
    expect(await publisher.publishAll(USERS, [message('once'), message('twice')])).toEqual(['stored', 'duplicate']);
    expect(await stored()).toBe(2);
  });

  it('returns the sequence of each message, also of a duplicate, and undefined for one that is not stored', async () => {
    const numbered = (...ids: string[]) =>
      publisher.publishNumbered(
        USERS,
        ids.map((id) => message(id)),
      );
    expect(await numbered('first', 'second')).toEqual([1, 2]);
    expect(await numbered('third', 'first')).toEqual([3, 1]);
    expect(await publisher.publishNumbered(USERS, [message('stray', { subject: 'elsewhere.a' })])).toEqual([undefined]);
  });

  it('sends headers with the message', async () => {
    await publisher.publishAll(USERS, [message('headed', { headers: { traceparent: '00-1-2-01' } })]);
    const read = await manager.streams.getMessage(USERS.name, { seq: 1 });
    expect(read?.header.get('traceparent')).toBe('00-1-2-01');
  });

  it('accepts an empty list', async () => {
    expect(await publisher.publishAll(USERS, [])).toEqual([]);
  });

  it('reports an error only for the message that is too large', async () => {
    const results = await publisher.publishAll(USERS, [
      message('small-1'),
      message('huge', { data: new Uint8Array(9 * 1024 * 1024) }),
      message('small-2'),
    ]);
    expect(results).toEqual(['stored', { error: expect.any(String) }, 'stored']);
  });
});

describe('when the broker has lost something', () => {
  it('a missing stream is created and everything is sent', async () => {
    const messages = many(2_500, 'missing-');
    expect(await publisher.publishAll(USERS, messages)).toEqual(messages.map(() => 'stored'));
    expect(await stored()).toBe(2_500);
  });

  it('a subject outside of the stream is an error, not an endless loop', async () => {
    const results = await publisher.publishAll(USERS, [message('stray', { subject: 'elsewhere.a' })]);
    expect(results).toEqual([{ error: 'no-stream' }]);
  });

  it('messages wait for a restarting server and are then sent', async () => {
    await ensureStream(manager, USERS);
    await broker.kill();
    await eventually(() => !isConnected(nats));
    const publishing = publisher.publishAll(USERS, [message('patient')]);
    await broker.restart();
    expect(await publishing).toEqual(['stored']);
  });

  it('every message fails within a few seconds if the server stays down', async () => {
    await broker.kill();
    await eventually(() => !isConnected(nats));
    const results = await publisher.publishAll(USERS, many(3, 'lost-'));
    expect(results).toEqual(Array(3).fill({ error: expect.any(String) }));
    await broker.restart();
    await eventually(() => isConnected(nats));
  });
});

describe('streams and consumers', () => {
  it('can be created by several replicas concurrently', async () => {
    const ensure = async () => {
      await ensureStream(manager, DEPARTURES);
      return ensureConsumer(manager, DEPARTURES.name, { durable: 'identity-receipts', filter: 'departure.receipt.>' });
    };
    const made = await Promise.all(Array.from({ length: 8 }, ensure));
    expect(new Set(made.map(({ name }) => name))).toEqual(new Set(['identity-receipts']));
  });

  it('are replicated as the connection says: three replicas are refused by a single server', async () => {
    const demanding = await connectNats({ url: broker.url, name: 'tests', replicas: 3 });
    const refused = await new Publisher(demanding).publishAll(USERS, [message('thrice')]);
    await closeNats(demanding);
    expect(refused).toEqual([{ error: String(REPLICAS_NEED_A_CLUSTER) }]);
    expect(await publisher.publishAll(USERS, [message('thrice')])).toEqual(['stored']);
  });

  it('are updated when the specification changes', async () => {
    await ensureStream(manager, { ...USERS, maxAge: 60_000, duplicateWindow: 1_000 });
    await ensureStream(manager, USERS);
    await ensureConsumer(manager, USERS.name, { durable: 'tests', filter: 'user.created.>' });
    const { config } = await ensureConsumer(manager, USERS.name, { durable: 'tests', filter: 'user.>' });
    expect((await manager.streams.info(USERS.name)).config.max_age).toBe(USERS.maxAge * 1e6);
    expect(config.filter_subject).toBe('user.>');
  });
});
