import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { eventually, testBroker, type TestBroker } from '#libs/test-kit';
import { BatchConsumer, type BatchConsumerOptions, type BatchHandler } from './batch-consumer.js';
import { closeNats, connectNats, whenConnected } from './connection.js';
import type { Delivery } from './delivery.js';
import { Publisher } from './publisher.js';
import { USERS } from './streams.js';

const DURABLE = 'tests-users';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

let broker: TestBroker;
let nats: NatsConnection;
let manager: JetStreamManager;
const opened: BatchConsumer[] = [];
const connections: NatsConnection[] = [];

beforeAll(async () => {
  broker = await testBroker();
  nats = await connectNats({ url: broker.url, name: 'tests' });
  manager = await jetstreamManager(nats);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((consumer) => consumer.close()));
  await Promise.all(connections.splice(0).map(closeNats));
  await manager.streams.delete(USERS.name).catch(() => undefined);
});

afterAll(async () => {
  await closeNats(nats);
  await broker.stop();
});

function consume(handler: BatchHandler, overrides: Partial<BatchConsumerOptions> = {}): BatchConsumer {
  const options = { nats, stream: USERS, durable: DURABLE, filter: 'user.>', log: silent, random: () => 0, handler };
  const consumer = new BatchConsumer({ ...options, ...overrides });
  consumer.start();
  opened.push(consumer);
  return consumer;
}

/** A separate connection for a second replica. */
async function anotherConnection(): Promise<NatsConnection> {
  const connection = await connectNats({ url: broker.url, name: 'replica' });
  connections.push(connection);
  return connection;
}

let published = 0;
async function publish(count: number, { size = 20, subject = 'user.updated.a.u' } = {}): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `m${++published}`);
  const messages = ids.map((id) => ({ subject, id, data: id.padEnd(size) }));
  expect(await new Publisher(nats).publishAll(USERS, messages)).toEqual(ids.map(() => 'stored'));
  return ids;
}

/**
 * Delivers this many new messages as one batch, however many packets they arrive in: they are buffered while the
 * consumer is busy with another message.
 */
async function consumeTogether(count: number, handler: BatchHandler, overrides?: Partial<BatchConsumerOptions>) {
  const busy = gate();
  let isBusy = false;
  consume(async (batch) => {
    if (isBusy) return handler(batch);
    isBusy = true;
    await busy.opened;
  }, overrides);
  await publish(1);
  await eventually(() => isBusy);
  const ids = await publish(count);
  await eventually(async () => (await unacknowledged()) === count + 1);
  busy.open();
  return ids;
}

const idOf = ({ data }: Delivery): string => new TextDecoder().decode(data).trim();
const unacknowledged = async () => (await manager.consumers.info(USERS.name, DURABLE)).num_ack_pending;
const consumerExists = () =>
  manager.consumers.info(USERS.name, DURABLE).then(
    () => true,
    () => false,
  );

describe('batches', () => {
  it('delivers buffered messages in batches of up to 500, in order, and acknowledges them', async () => {
    const ids = await publish(1_800);
    const batches: string[][] = [];
    consume(async (batch) => void batches.push(batch.map(idOf)));
    await eventually(() => batches.flat().length >= ids.length);
    expect(batches.flat()).toEqual(ids);
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(500);
    expect(batches.length).toBeLessThan(100);
    await eventually(async () => (await unacknowledged()) === 0);
  });

  it('keeps a batch under 4 MB', async () => {
    const ids = await publish(12, { size: 900_000 });
    const batches: Delivery[][] = [];
    consume(async (batch) => void batches.push(batch));
    await eventually(() => batches.flat().length === ids.length);
    const bytes = batches.map((batch) => batch.reduce((sum, { data }) => sum + data.length, 0));
    expect(Math.max(...bytes)).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  it('handles one batch at a time and buffers messages meanwhile', async () => {
    const running = gate();
    const sizes: number[] = [];
    consume(async (batch) => {
      sizes.push(batch.length);
      await running.opened;
    });
    await publish(1);
    await eventually(() => sizes.length === 1);
    await publish(40);
    await eventually(async () => (await unacknowledged()) === 41);
    expect(sizes).toEqual([1]);
    running.open();
    await eventually(() => sizes.length > 1);
    expect(sizes).toEqual([1, 40]);
  });

  it('handles as many batches in parallel as configured, each message in one of them', async () => {
    const running = gate();
    const batches: string[][] = [];
    const handler = async (batch: Delivery[]) => {
      batches.push(batch.map(idOf));
      await running.opened;
    };
    consume(handler, { atOnce: 2 });
    const [first] = await publish(1);
    await eventually(() => batches.length === 1);
    const [second] = await publish(1);
    await eventually(() => batches.length === 2);
    const more = await publish(40);
    await eventually(async () => (await unacknowledged()) === 42);
    expect(batches).toEqual([[first], [second]]);
    running.open();
    await eventually(() => batches.flat().length === 42);
    expect(batches.flat()).toEqual([first, second, ...more]);
  });

  it('stops pulling when about a thousand messages are buffered', async () => {
    const running = gate();
    let handled = 0;
    consume(async (batch) => {
      await running.opened;
      handled += batch.length;
    });
    await publish(3_000);
    await eventually(async () => (await unacknowledged()) >= 1_000);
    expect(await unacknowledged()).toBeLessThanOrEqual(1_500);
    running.open();
    await eventually(() => handled === 3_000);
  });

  it('delivers a message with its subject, its position and the number of deliveries', async () => {
    const seen: Delivery[] = [];
    consume(async (batch) => void seen.push(...batch));
    await publish(2, { subject: 'user.created.a.b' });
    await eventually(() => seen.length === 2);
    expect(seen.map(({ subject, streamSequence, deliveries }) => ({ subject, streamSequence, deliveries }))).toEqual([
      { subject: 'user.created.a.b', streamSequence: 1, deliveries: 1 },
      { subject: 'user.created.a.b', streamSequence: 2, deliveries: 1 },
    ]);
  });
});

describe('outcomes', () => {
  it('apply per message: one is acknowledged, one is redelivered, one is terminated', async () => {
    const seen: string[] = [];
    const ids = await consumeTogether(3, async (batch) => {
      seen.push(...batch.map(idOf));
      if (batch.length < 3) return;
      return ['ack', { nakAfterMs: 50 }, { term: 'no use' }];
    });
    await eventually(() => seen.length === 4);
    expect(seen).toEqual([...ids, ids[1]]);
    await eventually(async () => (await unacknowledged()) === 0);
  });

  it('of a failed batch make the whole batch come back after a delay, with a higher delivery count', async () => {
    const seen: Delivery[] = [];
    const times: number[] = [];
    const lines: object[] = [];
    const log = { ...silent, error: (facts: object) => void lines.push(facts) };
    const handler = async (batch: Delivery[]) => {
      times.push(performance.now());
      seen.push(...batch);
      if (times.length === 1) throw Object.assign(new Error('alice@example.com'), { code: '40001' });
    };
    const ids = await consumeTogether(3, handler, { log });
    await eventually(() => seen.length === 6);
    expect(seen.map(idOf)).toEqual([...ids, ...ids]);
    expect(seen.map(({ deliveries }) => deliveries)).toEqual([1, 1, 1, 2, 2, 2]);
    expect(times[1]! - times[0]!).toBeGreaterThan(700);
    expect(lines).toMatchObject([{ consumer: DURABLE, messages: 3, code: '40001' }]);
    expect(JSON.stringify(lines)).not.toContain('alice');
  });
});

describe('what the broker has lost is recreated without a restart', () => {
  async function workingConsumer(): Promise<string[]> {
    const seen: string[] = [];
    consume(async (batch) => void seen.push(...batch.map(idOf)));
    const ids = await publish(1);
    await eventually(() => seen.includes(ids[0]!));
    return seen;
  }

  it('a deleted stream', async () => {
    const seen = await workingConsumer();
    await manager.streams.delete(USERS.name);
    const [id] = await publish(1);
    await eventually(() => seen.includes(id!), { timeout: 3_000 });
  });

  it('a deleted consumer: everything in the stream is delivered again', async () => {
    const seen = await workingConsumer();
    await manager.consumers.delete(USERS.name, DURABLE);
    const [id] = await publish(1);
    await eventually(() => seen.includes(id!), { timeout: 3_000 });
    expect(seen).toHaveLength(3);
  });

  it('a killed and restarted server', async () => {
    const seen = await workingConsumer();
    await broker.restart();
    const [id] = await publish(1);
    await eventually(() => seen.includes(id!), { timeout: 4_000 });
  });

  it('a killed server that lost all of its data', async () => {
    const seen = await workingConsumer();
    await broker.restartEmpty();
    await whenConnected(nats, 4_000);
    await eventually(consumerExists, { timeout: 3_000 });
    const [id] = await publish(1);
    await eventually(() => seen.includes(id!), { timeout: 3_000 });
  });
});

describe('closing', () => {
  it('finishes and acknowledges the running batch, and returns the rest immediately', async () => {
    const running = gate();
    const first: string[] = [];
    const second: string[] = [];
    const one = consume(
      async (batch) => {
        first.push(...batch.map(idOf));
        await running.opened;
      },
      { nats: await anotherConnection() },
    );
    const ids = await publish(900);
    await eventually(async () => (await unacknowledged()) === 900);
    const closed = one.close();
    consume(async (batch) => void second.push(...batch.map(idOf)));
    await eventually(() => first.length + second.length === 900, { timeout: 5_000 });
    running.open();
    await closed;
    expect(new Set([...first, ...second])).toEqual(new Set(ids));
    expect(second.length).toBeGreaterThan(0);
    await eventually(async () => (await unacknowledged()) === 0);
  });

  it('under a steady stream, two replicas lose nothing and no message waits for its timeout', async () => {
    const handled = new Set<string>();
    const handler: BatchHandler = async (batch) => batch.forEach((delivery) => handled.add(idOf(delivery)));
    const one = consume(handler, { nats: await anotherConnection() });
    consume(handler, { nats: await anotherConnection() });
    const ids: string[] = [];
    for (let round = 0; round < 20; round++) {
      ids.push(...(await publish(200)));
      if (round === 10) void one.close();
    }
    await eventually(() => handled.size === ids.length, { timeout: 8_000 });
  });
});

function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}
