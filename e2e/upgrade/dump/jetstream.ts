import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  type ConsumerConfig,
  type JetStreamClient,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';

interface DumpedMessage {
  subject: string;
  headers?: Record<string, string[]>;
  data: string;
  /** Set when `data` is not UTF-8 text. */
  encoding?: 'base64';
}

interface DumpedConsumer {
  config: ConsumerConfig;
  /** How many messages it has not acknowledged. They are taken to be the newest. */
  left: number;
}

interface DumpedStream {
  config: StreamConfig;
  messages: DumpedMessage[];
  consumers: DumpedConsumer[];
}

/**
 * All streams, including those of key-value buckets, with their messages and durable consumers. Sequence numbers and times
 * of messages are left out: restored messages get new ones, otherwise they would have expired.
 */
export interface BrokerDump {
  streams: DumpedStream[];
}

const FETCH_LIMIT = 5_000;
const PATIENCE = 10_000;

/** @param nats may read all streams */
export async function dumpBroker(nats: NatsConnection): Promise<BrokerDump> {
  const manager = await jetstreamManager(nats);
  const infos: StreamInfo[] = [];
  for await (const info of manager.streams.list()) infos.push(info);
  const streams: DumpedStream[] = [];
  for (const info of infos.sort((a, b) => (a.config.name < b.config.name ? -1 : 1))) {
    const { config, state } = info;
    streams.push({
      config: asWanted(config),
      messages: await messagesOf(manager, config.name, state.first_seq, state.last_seq),
      consumers: await consumersOf(manager, config.name),
    });
  }
  return { streams };
}

async function messagesOf(manager: JetStreamManager, stream: string, first: number, last: number) {
  const messages: DumpedMessage[] = [];
  for (let seq = first; seq <= last; seq++) {
    const message = await manager.streams.getMessage(stream, { seq });
    if (!message) continue;
    const { subject, header, data } = message;
    messages.push({ subject, ...(header && { headers: headersOf(header) }), ...textOf(data) });
  }
  return messages;
}

function headersOf(found: MsgHdrs): Record<string, string[]> {
  return Object.fromEntries(found.keys().map((key) => [key, found.values(key)]));
}

function textOf(data: Uint8Array): Pick<DumpedMessage, 'data' | 'encoding'> {
  const bytes = Buffer.from(data);
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? { data: text } : { data: bytes.toString('base64'), encoding: 'base64' };
}

async function consumersOf(manager: JetStreamManager, stream: string): Promise<DumpedConsumer[]> {
  const consumers: DumpedConsumer[] = [];
  for await (const { config, num_pending: waiting, num_ack_pending: delivered } of manager.consumers.list(stream))
    if (config.durable_name) consumers.push({ config: asWanted(config), left: waiting + delivered });
  return consumers.sort((a, b) => (a.config.durable_name! < b.config.durable_name! ? -1 : 1));
}

/** Leaves out the metadata that the server adds itself and does not accept from clients. */
function asWanted<T extends { metadata?: Record<string, string> }>({ metadata = {}, ...config }: T): T {
  const own = Object.entries(metadata).filter(([key]) => !key.startsWith('_nats.'));
  return { ...config, ...(own.length > 0 && { metadata: Object.fromEntries(own) }) } as T;
}

/** @param nats may change all streams, publish to them and acknowledge for all consumers */
export async function restoreBroker(nats: NatsConnection, { streams }: BrokerDump): Promise<void> {
  const manager = await jetstreamManager(nats);
  const client = jetstream(nats);
  for (const { config, messages, consumers } of streams) {
    await manager.streams.add(config);
    for (const message of messages) {
      const { duplicate } = await client.publish(message.subject, bytesOf(message), { headers: withHeaders(message) });
      if (duplicate) throw new Error(`the broker dropped a message on ${message.subject} as a duplicate`);
    }
    await Promise.all(consumers.map((consumer) => restoreConsumer(manager, client, config.name, consumer)));
  }
}

const bytesOf = ({ data, encoding }: DumpedMessage) => Buffer.from(data, encoding ?? 'utf8');

function withHeaders({ headers: all = {} }: DumpedMessage): MsgHdrs {
  const restored = headers();
  for (const [key, values] of Object.entries(all)) for (const value of values) restored.append(key, value);
  return restored;
}

async function restoreConsumer(
  manager: JetStreamManager,
  client: JetStreamClient,
  stream: string,
  { config, left }: DumpedConsumer,
): Promise<void> {
  const name = config.durable_name!;
  if (config.ack_policy !== AckPolicy.Explicit) throw new Error(`${name} does not acknowledge messages one by one`);
  const { num_pending: all } = await manager.consumers.add(stream, config);
  const consumer = await client.consumers.get(stream, name);
  for (let open = all - left; open > 0;) {
    const acknowledged: Promise<boolean>[] = [];
    for await (const message of await consumer.fetch({ max_messages: Math.min(open, FETCH_LIMIT), expires: PATIENCE }))
      acknowledged.push(message.ackAck());
    if (acknowledged.length === 0) throw new Error(`${name} does not receive the messages that it had acknowledged`);
    await Promise.all(acknowledged);
    open -= acknowledged.length;
  }
}
