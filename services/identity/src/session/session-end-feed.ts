import type { NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { isConnected, NATS, STREAMS } from '#libs/broker';
import { formerEpochSubject, type SessionEndsMessage } from '#libs/contracts';
import { DATABASE_URL } from '#libs/database';
import { endsWithin, failpoint, StepWorker, WorkerContext } from '#libs/jobs';
import { SessionEndMessages } from './session-end-messages.js';
import { SessionEndLog, type UnpublishedEnds } from './session-end-log.js';

/** Milliseconds between two messages. A verifier whose latest message is a second old asks identity about each token. */
const BEAT_MS = 200;
const MESSAGE_SIZE = 5_000;
const FLUSH_TIMEOUT_MS = 1_000;
const ERROR_DELAYS_MS = [500, 1_000, 2_000];

/**
 * Publishes the ended sessions that are in the database and, several times a second, that there are no others. One
 * replica publishes; when it ends or is stuck, another takes over. Each message says up to which time of the database
 * everything has been published. It is read in the same statement as the rows, so no message can say more than it knows.
 */
@Injectable()
export class SessionEndFeed extends StepWorker {
  private connection?: SessionEndLog;
  private leading = false;
  private feed: string;
  private number = 0;

  constructor(
    context: WorkerContext,
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly messages: SessionEndMessages,
    /** The bucket of gateways of 0.1 is in the account of the streams. */
    @Inject(STREAMS) private readonly streams: NatsConnection,
    @Inject(DATABASE_URL) private readonly databaseUrl: string,
  ) {
    super(context, { name: 'session-ends', pollMs: BEAT_MS, errorDelaysMs: ERROR_DELAYS_MS });
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await this.reset();
  }

  protected override async step(): Promise<boolean> {
    try {
      return await this.publishNext();
    } catch (error) {
      await this.reset();
      throw error;
    }
  }

  private async publishNext(): Promise<boolean> {
    const log = (this.connection ??= await SessionEndLog.open(this.databaseUrl));
    if (!this.leading) {
      if (!(await log.lead())) return false;
      this.leading = true;
      this.startFeed();
    }
    const ends = await log.read(MESSAGE_SIZE);
    // Without a connection nothing is published and nothing removed.
    if (!isConnected(this.nats)) return false;
    return failpoint('session.feed', () => this.publish(log, ends));
  }

  private async publish(log: SessionEndLog, ends: UnpublishedEnds): Promise<boolean> {
    const more = ends.ids.length === MESSAGE_SIZE;
    const message: SessionEndsMessage = {
      epochs: ends.epochs,
      sessions: ends.sessions,
      endedAt: ends.endedAt,
      position: { feed: this.feed, number: ++this.number, ...(!more && { publishedUntil: ends.readAt }) },
    };
    this.messages.publish(message);
    if (ends.ids.length === 0) return false;
    for (const one of ends.epochs) this.streams.publish(formerEpochSubject(one), String(one.epoch));
    for (const sessionId of ends.sessions) this.streams.publish(formerEpochSubject({ sessionId }), '1');
    // After the flush the broker has the message. What it has not may have been lost, so it is published again.
    if (await endsWithin(this.nats.flush(), FLUSH_TIMEOUT_MS)) await log.remove(ends.ids);
    else this.startFeed();
    return more;
  }

  /** Subscribers that have another feed ask for a snapshot. */
  private startFeed(): void {
    this.feed = this.context.ids.next();
    this.number = 0;
  }

  private async reset(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    this.leading = false;
    await connection?.close();
  }
}
