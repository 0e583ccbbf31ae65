import { safeErrorFields, Metrics } from '#libs/observability';
import { NATS, ServiceClient } from '#libs/broker';
import { sessionOf, sessionSnapshot } from '#libs/contracts';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { Inject, Injectable } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { EpochFeed } from './epoch-feed.js';
import { SessionEpochs } from './session-epochs.js';

const CHECK_EVERY = 1_000;
/** While nothing is confirmed every request is an introspection, so looks are taken more often. */
const CHECK_EVERY_UNTIL_CONFIRMED = 100;
const ASK_EVERY = 10_000;
const ASK_AGAIN_AFTER = 500;
/** Confirmed longer ago than this, what is known of the sessions is not to be trusted. */
const STALE_AFTER = 3_000;

/** Keeps `SessionEpochs` true: from the broker's bucket at once, and by asking identity for what the bucket may have lost. */
@Injectable()
export class SessionWatch extends StepWorker {
  private since: string | null = null;
  private confirmedAt = 0;
  private answeredAt = 0;
  private askedAt = 0;
  private asking = false;
  private everConfirmed = false;
  private readonly delay: ReturnType<Metrics['histogram']>;

  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly services: ServiceClient,
    private readonly epochs: SessionEpochs,
    context: WorkerContext,
    metrics: Metrics,
  ) {
    super(context, { name: 'session-watch', pollMs: ASK_AGAIN_AFTER, errorDelaysMs: [ASK_AGAIN_AFTER] });
    this.delay = metrics.histogram(
      'leaver_session_end_delay_seconds',
      'From the broker’s storing the end of sessions until this gateway refuses them.',
    );
  }

  /** Whether both sources have been read since the start; before, no token can be judged. */
  get loaded(): boolean {
    return this.everConfirmed;
  }

  /** Whether the end of a session would be known here by now. */
  get fresh(): boolean {
    return this.clock.millis() - this.confirmedAt <= STALE_AFTER;
  }

  override async onApplicationBootstrap(): Promise<void> {
    this.noticeDisconnects().catch((error: unknown) =>
      // A lost connection still shows when the next check fails.
      this.log.warn(safeErrorFields(error), 'disconnects from the broker are not reported'),
    );
    await super.onApplicationBootstrap();
  }

  /** A step lasts as long as the feed does. */
  protected override async step(): Promise<boolean> {
    await this.follow().finally(() => (this.confirmedAt = 0));
    return false;
  }

  /** Ends when the bucket holds something that doesn't arrive. @throws an error of NATS when the broker is away */
  private async follow(): Promise<void> {
    const feed = await EpochFeed.open(this.nats, (key, value, since) => this.take(key, value, since));
    const openedAt = this.clock.millis();
    let completeAt = openedAt;
    try {
      while (!this.stopping) {
        const now = this.clock.millis();
        this.askIdentity(openedAt);
        const complete = await feed.isComplete();
        if (complete) completeAt = now;
        else if (now - completeAt > STALE_AFTER) return;
        if (complete && this.answeredAt >= openedAt) this.confirm(now);
        await this.pause(this.fresh ? CHECK_EVERY : CHECK_EVERY_UNTIL_CONFIRMED);
      }
    } finally {
      feed.close();
    }
  }

  private confirm(at: number): void {
    this.confirmedAt = at;
    this.everConfirmed = true;
  }

  private take(key: string, value: string, since?: Date): void {
    const sessionId = sessionOf(key);
    if (sessionId !== undefined) this.epochs.end(sessionId);
    else if (Number.isSafeInteger(Number(value))) this.epochs.raise(key, Number(value));
    // The clocks of the broker and of this machine may differ.
    if (since) this.delay.observe(Math.max(0, this.clock.millis() - since.getTime()) / 1_000);
  }

  /** Does so when it is time again, or when nothing has been answered since the feed was opened. */
  private askIdentity(openedAt: number): void {
    const now = this.clock.millis();
    const overdue = this.answeredAt < openedAt || now - this.answeredAt >= ASK_EVERY;
    if (this.asking || !overdue || now - this.askedAt < ASK_AGAIN_AFTER) return;
    this.asking = true;
    this.askedAt = now;
    this.readSnapshot()
      .then(() => (this.answeredAt = now))
      .catch((error: unknown) => this.log.warn(safeErrorFields(error), 'identity did not say whose sessions ended'))
      .finally(() => (this.asking = false));
  }

  private async readSnapshot(): Promise<void> {
    for (let more = true; more && !this.stopping;) {
      const snapshot = await this.services.ask(sessionSnapshot, { since: this.since });
      for (const { userId, epoch } of snapshot.epochs) this.epochs.raise(userId, epoch);
      for (const sessionId of snapshot.sessions) this.epochs.end(sessionId);
      this.since = snapshot.at;
      more = snapshot.more;
    }
  }

  private async noticeDisconnects(): Promise<void> {
    for await (const { type } of this.nats.status()) if (type === 'disconnect') this.confirmedAt = 0;
  }
}
