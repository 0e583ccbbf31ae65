import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { testBroker, type TestBroker } from '#libs/test-kit';
import { closeNats, connectNats } from './connection.js';
import { Publisher } from './publisher.js';
import { StreamReader } from './stream-reader.js';
import { AUDIT_HEADS, ensureStream } from './streams.js';

let broker: TestBroker;
let nats: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  broker = await testBroker();
  nats = await connectNats({ url: broker.url, name: 'tests' });
  manager = await jetstreamManager(nats);
});
afterAll(async () => {
  await closeNats(nats);
  await broker.stop();
});

const publish = (subject: string, count: number) =>
  new Publisher(nats).publishAll(
    AUDIT_HEADS,
    Array.from({ length: count }, (_, n) => ({ subject, id: `${subject}${n}`, data: `${n}` })),
  );
const read = async (filter: string) => {
  const texts: string[] = [];
  for await (const { text } of new StreamReader(nats).read(AUDIT_HEADS, filter)) texts.push(text);
  return texts;
};

it('reads the messages under a subject in their order, more than a batch of them', async () => {
  expect(await read('audit.>')).toEqual([]);
  await publish('audit.head.a', 2_500);
  await publish('audit.erased.a.b', 1);
  expect(await read('audit.head.a')).toEqual(Array.from({ length: 2_500 }, (_, n) => `${n}`));
  expect(await read('audit.erased.>')).toEqual(['0']);
  expect(await read('audit.head.b')).toEqual([]);
});

it('an append-only stream keeps its messages even if a client asks to delete them', async () => {
  await publish('audit.head.kept', 3);
  const { name } = AUDIT_HEADS;
  const { messages } = (await manager.streams.info(name)).state;
  await expect(manager.streams.purge(name)).rejects.toThrow();
  await expect(manager.streams.deleteMessage(name, 1)).rejects.toThrow();
  await expect(manager.streams.update(name, { deny_purge: false, deny_delete: false })).rejects.toThrow();
  await ensureStream(manager, AUDIT_HEADS);
  expect((await manager.streams.info(name)).state.messages).toBe(messages);
});
