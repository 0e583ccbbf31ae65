import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectNats } from '#libs/broker';
import { eventually, tokenIn, type Mailboxes } from '#libs/test-kit';
import type { ValidateFunction } from 'ajv';
import type { System } from '../system.js';
import { anAjv } from './openapi-validator.js';

interface Message {
  subject: string;
  data: Uint8Array;
}

/** Records all messages that services publish, and reads the mails that they send, while the test runs. */
export class Listener {
  readonly received: Message[] = [];
  private readonly connections: NatsConnection[] = [];

  private constructor(private readonly mailboxes: Mailboxes) {}

  static async on(system: System): Promise<Listener> {
    const listener = new Listener(system.mailboxes);
    const as = async (user: string) => {
      const nats = await connectNats({ url: system.brokerUrl(user), name: 'listener' });
      listener.connections.push(nats);
      return nats;
    };
    const callback = ({ subject, data }: Message) => void listener.received.push({ subject, data });
    const identity = await as('identity-streams');
    for (const stream of ['USERS', 'DEPARTURES'])
      await (await jetstream(identity).consumers.get(stream)).consume({ callback });
    (await as('gateway')).subscribe('progress.departure.*', { callback: (_error, message) => callback(message) });
    await Promise.all(listener.connections.map((nats) => nats.flush()));
    return listener;
  }

  /** The token in the newest mail to this address that has one. */
  mailedTo = (address: string): Promise<string> =>
    eventually(async () => {
      const token = (await this.mailboxes.of(address)).map(tokenIn).findLast((one) => one !== undefined);
      expect(token).toBeDefined();
      return token!;
    });

  /** The kinds of all mails to this address, in the order in which they arrived. */
  kindsTo = async (address: string): Promise<string[]> =>
    (await this.mailboxes.of(address)).map(({ headers }) => headers['x-leaver-mail']!);

  async stop(): Promise<void> {
    for (const nats of this.connections) await nats.close();
  }
}

export interface AsyncApi {
  channels: Record<string, { address: string; messages: Record<string, unknown> }>;
  components: { messages: Record<string, { payload?: object }> };
}

/** Validates the messages on the broker against their AsyncAPI description. */
export class EventDescriptions {
  readonly seen = new Set<string>();
  private readonly channels: { name: string; subject: RegExp; check?: ValidateFunction }[];

  constructor({ channels, components }: AsyncApi) {
    const ajv = anAjv();
    ajv.addSchema(strict({ components }), 'asyncapi');
    this.channels = Object.entries(channels).map(([name, { address }]) => ({
      name,
      subject: new RegExp(`^${address.replaceAll('.', '\\.').replaceAll(/{\w+}/g, '[^.]+')}$`),
      ...(components.messages[name]!.payload && {
        check: ajv.compile({ $ref: `asyncapi#/components/messages/${name}/payload` }),
      }),
    }));
  }

  get names(): string[] {
    return this.channels.map(({ name }) => name);
  }

  faultsOf({ subject, data }: Message): string[] {
    const channel = this.channels.find((one) => one.subject.test(subject));
    if (!channel) return [`${subject} is not described`];
    this.seen.add(channel.name);
    const fault = faultOf(channel.check, data);
    return fault ? [`${channel.name}: ${fault}`] : [];
  }
}

function faultOf(check: ValidateFunction | undefined, data: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(data);
  if (!check) return text === '' ? undefined : 'it should be empty';
  return check(JSON.parse(text)) ? undefined : JSON.stringify(check.errors);
}

/** Forbids additional properties. Consumers have to accept new fields, but here every field has to be described. */
function strict<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(strict) as T;
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  return (
    'properties' in schema && !('additionalProperties' in schema) ? { ...inner, additionalProperties: false } : inner
  ) as T;
}
