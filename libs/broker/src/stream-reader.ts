import { DeliverPolicy, jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { assertNoOpenTransaction } from '#libs/database';
import { STREAMS, whenConnected } from './connection.js';
import type { StreamSpec } from './streams.js';

export interface StoredMessage {
  subject: string;
  /** Sequence in the stream. */
  sequence: number;
  text: string;
}

const NO_STREAM = 10059;
const TIMEOUT_MS = 5_000;
const BATCH_SIZE = 1_000;

/** Reads what a stream holds, without a durable consumer. */
@Injectable()
export class StreamReader {
  constructor(@Inject(STREAMS) private readonly nats: NatsConnection) {}

  /**
   * The messages under a subject that the stream holds at the time of the call, oldest first; none if there is no stream.
   * @param filter a subject, also with wildcards
   * @throws Error when the broker does not answer
   */
  async *read(stream: StreamSpec, filter: string): AsyncGenerator<StoredMessage> {
    assertNoOpenTransaction(`read ${stream.name}`);
    await whenConnected(this.nats, TIMEOUT_MS);
    const end = await this.lastSequence(stream, filter);
    if (end === 0) return;
    const consumer = await jetstream(this.nats, { timeout: TIMEOUT_MS }).consumers.get(stream.name, {
      filter_subjects: filter,
      deliver_policy: DeliverPolicy.All,
    });
    for (let sequence = 0; sequence < end;) {
      const before = sequence;
      for await (const message of await consumer.fetch({ max_messages: BATCH_SIZE, expires: TIMEOUT_MS })) {
        if (message.seq > end) return;
        sequence = message.seq;
        yield { subject: message.subject, sequence, text: message.string() };
        if (sequence === end) return;
      }
      if (sequence === before) throw new Error(`the stream ${stream.name} does not deliver`);
    }
  }

  /** Whether the stream holds no message under the subject, or does not exist. @throws Error when the broker does not answer */
  async isEmpty(stream: StreamSpec, filter: string): Promise<boolean> {
    assertNoOpenTransaction(`read ${stream.name}`);
    await whenConnected(this.nats, TIMEOUT_MS);
    return (await this.lastSequence(stream, filter)) === 0;
  }

  private async lastSequence({ name }: StreamSpec, filter: string): Promise<number> {
    try {
      const { streams } = await jetstreamManager(this.nats, { checkAPI: false, timeout: TIMEOUT_MS });
      const last = await streams.getMessage(name, { last_by_subj: filter });
      return last?.seq ?? 0;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_STREAM) return 0;
      throw error;
    }
  }
}
