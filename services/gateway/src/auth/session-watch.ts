import { safeErrorFields, Metrics } from '#libs/observability';
import { NATS, ServiceClient } from '#libs/broker';
import { sessionOf, sessionSnapshot } from '#libs/contracts';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { Inject, Injectable } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { EpochFeed } from './epoch-feed.js';
import { SessionEpochs } from './session-epochs.js';

const CHECK_EVERY = 1_000;
/** While session state is unconfirmed every request is introspected, so checks are more frequent. */
const CHECK_EVERY_UNTIL_CONFIRMED = 100;
const ASK_EVERY = 10_000;
const ASK_AGAIN_AFTER = 500;
/** Session state confirmed longer ago than this is not trusted. */
const STALE_AFTER = 3_000;

/**
 * Keeps `SessionEpochs` current: changes come from the broker's bucket, and a periodic snapshot from identity covers
 * what the bucket may have lost.
 */
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
      'Time from storing the end of a session in the broker until this gateway refuses it.',
    );
  }

  /** Whether both sources have been read since the start. Before that, no token can be judged. */
  get loaded(): boolean {
    return this.everConfirmed;
  }

  /** Whether the state is recent enough that the end of a session would be known by now. */
  get fresh(): boolean {
    return this.clock.millis() - this.confirmedAt <= STALE_AFTER;
  }

  override async onApplicationBootstrap(): Promise<void> {
    this.watchDisconnects().catch((error: unknown) =>
      // A lost connection is still detected when the next check fails.
      this.log.warn(safeErrorFields(error), 'cannot watch for disconnects from the broker'),
    );
    await super.onApplicationBootstrap();
  }

  /** One step lasts as long as the feed. */
  protected override async step(): Promise<boolean> {
    await this.follow().finally(() => (this.confirmedAt = 0));
    return false;
  }

  /**
   * Returns when entries of the bucket do not arrive in time. @throws a NATS error when the broker cannot be reached
   */
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
    // Never negative: the clocks of the broker and of this machine may differ.
    if (since) this.delay.observe(Math.max(0, this.clock.millis() - since.getTime()) / 1_000);
  }

  /** Asks identity for a snapshot when the last one is due again or older than the feed. */
  private askIdentity(openedAt: number): void {
    const now = this.clock.millis();
    const overdue = this.answeredAt < openedAt || now - this.answeredAt >= ASK_EVERY;
    if (this.asking || !overdue || now - this.askedAt < ASK_AGAIN_AFTER) return;
    this.asking = true;
    this.askedAt = now;
    this.readSnapshot()
      .then(() => (this.answeredAt = now))
      .catch((error: unknown) =>
        this.log.warn(safeErrorFields(error), 'snapshot of ended sessions not available from identity'),
      )
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

  private async watchDisconnects(): Promise<void> {
    for await (const { type } of this.nats.status()) if (type === 'disconnect') this.confirmedAt = 0;
  }
}
