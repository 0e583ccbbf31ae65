import { jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { newInbox, replicasOf, STREAMS, whenConnected } from './connection.js';
import { assertNoOpenTransaction } from '#libs/database';
import { safeErrorFields } from '#libs/observability';
import { withSpanHeaders } from './message-spans.js';
import type { MessageToPublish } from './message.js';
import { ensureStream, type StreamSpec } from './streams.js';

export type PublishResult = 'stored' | 'duplicate' | { error: string };

interface Answer {
  result: PublishResult;
  sequence?: number;
}

/** Maximum number of unacknowledged messages. */
const WINDOW = 1_000;
/** Milliseconds without any acknowledgement after which the remaining messages count as lost. */
const ACK_TIMEOUT_MS = 3_000;
const ROUNDS = 3;
const NO_RESPONDERS = 503;

/** Publishes messages to JetStream in bulk. */
@Injectable()
export class Publisher {
  constructor(@Inject(STREAMS) private readonly nats: NatsConnection) {}

  /**
   * Publishes all messages without waiting for each one. @returns one result per message, in the same order. A missing
   * stream is created. Never throws; after an `error` the message may or may not be stored.
   */
  async publishAll(stream: StreamSpec, outgoing: readonly MessageToPublish[]): Promise<PublishResult[]> {
    const answers = await this.publish(stream, outgoing);
    return answers.map(({ result }) => result);
  }

  /**
   * Like `publishAll`. @returns each message's sequence in the stream, that of the first one for a duplicate; undefined
   * if the broker has not confirmed the message
   */
  async publishNumbered(
    stream: StreamSpec,
    outgoing: readonly MessageToPublish[],
  ): Promise<readonly (number | undefined)[]> {
    const answers = await this.publish(stream, outgoing);
    return answers.map(({ sequence }) => sequence);
  }

  private async publish(stream: StreamSpec, outgoing: readonly MessageToPublish[]): Promise<Answer[]> {
    assertNoOpenTransaction(`publish ${stream.name}`);
    const sent = outgoing.map((message) => withSpanHeaders(stream.name, message));
    const answers = await this.send(
      stream,
      sent.map(({ message }) => message),
    );
    for (const [index, { span }] of sent.entries()) {
      const { result } = answers[index]!;
      span?.end(typeof result === 'object' ? result.error : undefined);
    }
    return answers;
  }

  private async send(stream: StreamSpec, messages: readonly MessageToPublish[]): Promise<Answer[]> {
    const answers: Answer[] = messages.map(() => failed('no-stream'));
    let left = messages.map((_, index) => index);
    await whenConnected(this.nats, ACK_TIMEOUT_MS);
    for (let round = 1; left.length > 0; round++) {
      left = await new PublishBatch(this.nats, messages, answers).send(left);
      if (left.length === 0 || round === ROUNDS) break;
      try {
        const manager = await jetstreamManager(this.nats, { checkAPI: false, timeout: 2_000 });
        await ensureStream(manager, stream, replicasOf(this.nats));
      } catch (error) {
        const { code, error: name } = safeErrorFields(error);
        for (const index of left) answers[index] = failed(code ?? name);
        break;
      }
    }
    return answers;
  }
}

/** One round of publishing. Keeps the window full and matches acknowledgements by the last token of their subject. */
class PublishBatch {
  private readonly inbox: string;
  private readonly unrouted: number[] = [];
  private readonly unacknowledged = new Set<number>();
  private queue: number[] = [];
  private next = 0;
  private finish!: () => void;
  private watchdog?: NodeJS.Timeout;

  constructor(
    private readonly nats: NatsConnection,
    private readonly messages: readonly MessageToPublish[],
    private readonly answers: Answer[],
  ) {
    this.inbox = newInbox(nats);
  }

  /** @returns the indexes of messages for which no stream existed */
  async send(indexes: number[]): Promise<number[]> {
    this.queue = indexes;
    const finished = new Promise<void>((resolve) => (this.finish = resolve));
    let subscription: Subscription | undefined;
    try {
      subscription = this.nats.subscribe(`${this.inbox}.*`, {
        callback: (error, answer) => (error ? this.finish() : this.receive(answer)),
      });
      this.watchdog = setTimeout(() => this.finish(), ACK_TIMEOUT_MS);
      this.fill();
      await finished;
      this.failRemaining('timeout');
    } catch (error) {
      this.failRemaining(safeErrorFields(error).error);
    } finally {
      clearTimeout(this.watchdog);
      subscription?.unsubscribe();
    }
    return this.unrouted;
  }

  private fill(): void {
    while (this.next < this.queue.length && this.unacknowledged.size < WINDOW) {
      const index = this.queue[this.next++]!;
      this.publish(index, this.messages[index]!);
    }
    if (this.unacknowledged.size === 0) this.finish();
  }

  private publish(index: number, { subject, id, data, headers = {} }: MessageToPublish): void {
    const all = natsHeaders();
    all.set('Nats-Msg-Id', id);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    try {
      this.nats.publish(subject, data, { reply: `${this.inbox}.${index}`, headers: all });
      this.unacknowledged.add(index);
    } catch (error) {
      this.answers[index] = failed(safeErrorFields(error).error);
    }
  }

  private receive(answer: Msg): void {
    const index = Number(answer.subject.slice(this.inbox.length + 1));
    if (!this.unacknowledged.delete(index)) return;
    this.watchdog?.refresh();
    if (answer.headers?.code === NO_RESPONDERS) this.unrouted.push(index);
    else this.answers[index] = answerIn(answer);
    this.fill();
  }

  private failRemaining(error: string): void {
    for (const index of [...this.unacknowledged, ...this.queue.slice(this.next)]) this.answers[index] = failed(error);
  }
}

const failed = (error: string): Answer => ({ result: { error } });

interface PubAck {
  seq?: number;
  duplicate?: boolean;
  error?: { err_code?: number; code: number };
}

function answerIn(message: Msg): Answer {
  const { seq, duplicate, error } = message.json<PubAck>();
  if (error) return failed(String(error.err_code ?? error.code));
  return { result: duplicate ? 'duplicate' : 'stored', sequence: seq };
}
