import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { CloudEvent } from '#libs/contracts';
import { eventually } from '#libs/test-kit';

export interface Received extends CloudEvent<{ userId: string; profile?: { name: string | null } }> {
  tombstone?: true;
}

const FILTERS = { USERS: 'user.>', DEPARTURES: 'departure.*.*.*' };

/** A program of another team that reads events: a NATS client without our libraries, under a subscriber's name. */
export class EventReader {
  readonly received: Received[] = [];

  private constructor(
    readonly name: string,
    readonly nats: NatsConnection,
  ) {}

  static async connect(address: string): Promise<EventReader> {
    const { host, username, password } = new URL(address);
    const inboxPrefix = `_INBOX_${username}`;
    return new EventReader(
      username,
      await connect({ servers: host, user: username, pass: password, inboxPrefix, reconnect: false }),
    );
  }

  /** Reads both streams from the start. */
  async readAll(): Promise<void> {
    for (const stream of ['USERS', 'DEPARTURES'] as const) {
      await this.addConsumer(stream, FILTERS[stream]);
      const consumer = await jetstream(this.nats).consumers.get(stream, this.name);
      await consumer.consume({
        callback: (message) => {
          this.received.push(message.json<Received>());
          message.ack();
        },
      });
    }
  }

  async addConsumer(stream: string, filter?: string, name = this.name): Promise<void> {
    const manager = await jetstreamManager(this.nats, { timeout: 2_000 });
    await manager.consumers.add(stream, {
      durable_name: name,
      ack_policy: 'explicit',
      ...(filter && { filter_subject: filter }),
    });
  }

  about = (userId: string): Received[] => this.received.filter(({ data }) => data.userId === userId);
  typesAbout = (userId: string): string[] => [...new Set(this.about(userId).map(({ type }) => type))].sort();

  /** Those of these subjects that the broker lets this reader publish on. */
  async publishable(subjects: readonly string[]): Promise<string[]> {
    return this.permitted(subjects, 'publish', (subject) =>
      this.nats.publish(subject, '{}', { reply: `_INBOX_${this.name}.x` }),
    );
  }

  /** Those of these subjects that the broker lets this reader subscribe to. */
  async subscribable(subjects: readonly string[]): Promise<string[]> {
    return this.permitted(subjects, 'subscription', (subject) =>
      this.nats.subscribe(subject, { callback: () => undefined }),
    );
  }

  close(): Promise<void> {
    return this.nats.close();
  }

  private async permitted(
    subjects: readonly string[],
    operation: string,
    attempt: (subject: string) => unknown,
  ): Promise<string[]> {
    const refused = new Set<string>();
    void (async () => {
      for await (const status of this.nats.status())
        if (status.type === 'error' && status.error.name === 'PermissionViolationError') {
          const violation = status.error as Error & { operation: string; subject: string };
          if (violation.operation === operation) refused.add(violation.subject);
        }
    })();
    for (const subject of subjects) attempt(subject);
    await this.nats.flush();
    // What is still missing then has been permitted.
    await eventually(() => subjects.every((subject) => refused.has(subject)), { timeout: 2_000 }).catch(
      () => undefined,
    );
    return subjects.filter((subject) => !refused.has(subject));
  }
}
