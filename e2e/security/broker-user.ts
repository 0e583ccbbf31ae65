import { jetstreamManager } from '@nats-io/jetstream';
import { connect, PermissionViolationError, type NatsConnection } from '@nats-io/transport-node';
import { eventually } from '#libs/test-kit';
import type { System } from '../support/system.js';

interface Subjects {
  publish: string[];
  subscribe: string[];
}

/** A subject on which no service may publish. */
const LAST = 'nobody.says.this';
const STREAMS = ['USERS', 'DEPARTURES', 'AUDIT_HEADS', 'KV_rate-limits'];

/** Subjects that a service must not use: those of other services, and those that could delete stored messages. */
export function foreignTo(name: string, services: readonly string[]): Subjects {
  const others = services.filter((service) => service !== name);
  const everybody = [...others, 'gateway', 'subscriber', 'operator'].filter((one) => one !== name);
  const isService = services.includes(name);
  const stream = (stream: string) => [
    `$JS.API.STREAM.DELETE.${stream}`,
    `$JS.API.STREAM.PURGE.${stream}`,
    `$JS.API.STREAM.UPDATE.${stream}`,
    `$JS.API.STREAM.MSG.DELETE.${stream}`,
    `$JS.API.STREAM.SNAPSHOT.${stream}`,
    `$JS.API.STREAM.RESTORE.${stream}`,
  ];
  const consumerOf = (other: string) => [
    `$JS.API.CONSUMER.DELETE.USERS.${other}-users`,
    `$JS.API.CONSUMER.CREATE.USERS.${other}-users`,
    `$JS.API.CONSUMER.DURABLE.CREATE.USERS.${other}-users`,
    `$JS.API.CONSUMER.MSG.NEXT.USERS.${other}-users`,
    `$JS.ACK.USERS.${other}-users.1.1.1.1.0`,
  ];
  return {
    publish: [
      'user.changed',
      'user.deactivated',
      'departure.completed',
      ...others.map((other) => `departure.receipt.${other}`),
      'progress.departure.x',
      'mail.requested',
      '$KV.session-epochs.x',
      'session.ended',
      ...(name === 'gateway'
        ? []
        : ['rpc.identity.users.deactivate', 'rpc.contacts.contacts.list', '$KV.rate-limits.x']),
      ...(name === 'operator' ? [] : others.map((other) => `lifecycle.${other}.dead-letters`)),
      ...others.map((other) => `lifecycle.${other}.preview`),
      ...STREAMS.flatMap(stream),
      '$JS.API.STREAM.CREATE.MINE',
      '$JS.API.CONSUMER.CREATE.USERS',
      '$JS.API.CONSUMER.CREATE.DEPARTURES',
      ...others.flatMap(consumerOf),
    ],
    subscribe: [
      '>',
      '*',
      'user.>',
      'departure.>',
      'mail.requested',
      'rpc.>',
      'lifecycle.>',
      '$JS.>',
      '$KV.>',
      '$SYS.>',
      ...(name === 'subscriber' ? [] : ['_INBOX.>']),
      ...everybody.map((other) => `_INBOX_${other}.>`),
      ...others.flatMap((other) => [`rpc.${other}.>`, `lifecycle.${other}.>`]),
      ...(isService ? ['progress.departure.*'] : []),
    ],
  };
}

/** A broker user that tries forbidden operations. */
export class BrokerUser {
  private readonly refused: Subjects = { publish: [], subscribe: [] };

  private constructor(private readonly nats: NatsConnection) {
    void this.listen();
  }

  static async connect(system: System, name: string): Promise<BrokerUser> {
    const url = new URL(system.brokerUrl(name));
    const { host: servers, username: user, password: pass } = url;
    const own = name === 'subscriber' ? {} : { inboxPrefix: `_INBOX_${name}` };
    return new BrokerUser(await connect({ servers, user, pass, ...own, reconnect: false }));
  }

  /** The refused ones of these, in order. */
  async refusals(publish: readonly string[], subscribe: readonly string[]): Promise<Subjects> {
    for (const subject of publish) this.nats.publish(subject, '{}');
    for (const subject of subscribe) this.nats.subscribe(subject, { callback: () => undefined });
    // Refusals arrive in the order of the requests.
    this.nats.publish(LAST, '');
    await eventually(() => this.refused.publish.includes(LAST));
    return {
      publish: publish.filter((subject) => this.refused.publish.includes(subject)),
      subscribe: subscribe.filter((subject) => this.refused.subscribe.includes(subject)),
    };
  }

  /** The operations by which the stream lost messages; empty if all were refused. */
  async doAwayWith(stream: string): Promise<string[]> {
    const attempts: [way: string, body: object][] = [
      ['DELETE', {}],
      ['PURGE', {}],
      ['UPDATE', { name: stream, subjects: ['user.>'], max_msgs: 1 }],
      ['MSG.DELETE', { seq: 1 }],
      ['CREATE', { name: stream, subjects: ['user.>'], max_msgs: 1 }],
    ];
    const done: string[] = [];
    for (const [way, body] of attempts) {
      const answer = await this.nats
        .request(`$JS.API.STREAM.${way}.${stream}`, JSON.stringify(body), { timeout: 2_000 })
        .catch((error: unknown) => error);
      if (answer instanceof Error) continue;
      const { error, config } = (answer as { json(): { error?: object; config?: { max_msgs: number } } }).json();
      // Identity answers a request to create a stream with the stream as it is.
      if (!error && (way !== 'CREATE' || config?.max_msgs === 1)) done.push(way);
    }
    return done;
  }

  /** The number of messages in each stream. */
  async storedIn(streams: readonly string[]): Promise<Record<string, number>> {
    const manager = await jetstreamManager(this.nats);
    const stored = streams.map(async (name) => [name, (await manager.streams.info(name)).state.messages] as const);
    return Object.fromEntries(await Promise.all(stored));
  }

  close(): Promise<void> {
    return this.nats.close();
  }

  private async listen(): Promise<void> {
    for await (const status of this.nats.status())
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        this.refused[status.error.operation === 'publish' ? 'publish' : 'subscribe'].push(status.error.subject);
  }
}
