import { Clock, Ids } from '#libs/database';
import { endsWithin, failpoint, WakeSignal } from '#libs/jobs';
import { safeErrorFields, type Log } from '#libs/observability';
import { Publisher, type MessageToPublish, USERS } from '#libs/broker';
import { RelaySession, type ClaimedEvent } from './relay-session.js';

/** Events per claim, and so in memory; twice as many while the next claim is in progress. */
const CLAIM_SIZE = 1_000;
/**
 * Milliseconds until an event that a service has not acknowledged is published again: 15 s, 1 min, 5 min, then every
 * hour.
 */
const REPUBLISH_DELAYS_MS = [15_000, 60_000, 300_000, 3_600_000];
/** Milliseconds between two polls of an active relay. */
const POLL_MS = 1_000;
/**
 * Milliseconds between two attempts to reach an unavailable database or broker. This and the following vary by 20 %.
 */
const RETRY_DELAY_MS = 1_000;
/** What `withJitter` multiplies by at most. */
const LONGEST_JITTER = 1.2;
/**
 * Milliseconds between two attempts to become the leader. Shorter, so that a standby takes over before a disconnected
 * relay is back.
 */
const TAKE_OVER_MS = 500;
/**
 * Milliseconds until an unconfirmed event is due again. Shorter than the shortest pause, so that the next attempt finds
 * it.
 */
const UNCONFIRMED_DELAY_MS = 800;
/** Milliseconds for which a stop waits for the publication in progress. */
const STOP_TIMEOUT_MS = 5_000;

export interface RelayOptions {
  /** The database of the outbox. The relay opens its own connection, which must not go through a transaction pooler. */
  databaseUrl: string;
  publisher: Publisher;
  clock: Clock;
  ids: Ids;
  log: Log;
}

/**
 * Publishes events from the outbox to the broker. Of all relays on a database one is active; another takes over within
 * two seconds when it ends. Events are published at least once, each time under a new message id, until they are
 * acknowledged.
 */
export class Relay {
  private readonly work = new WakeSignal();
  private readonly end = new WakeSignal();
  private running?: Promise<void>;
  private stopping = false;
  private session?: RelaySession;
  private leading = false;
  /** Milliseconds since 1970, of the latest claim. */
  private lookedAt = Infinity;

  constructor(private readonly options: RelayOptions) {}

  /** Whether this relay is the active one. */
  get active(): boolean {
    return this.leading;
  }

  /** Returns immediately. The database and the broker may become available later. */
  start(): void {
    this.running ??= this.run();
  }

  /** Looks for due events now. Needed only by tests that move the clock. */
  wake(): void {
    this.work.wake();
  }

  /** Finishes the publication in progress, waiting at most five seconds, and lets another relay take over. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.work.wake();
    this.end.wake();
    if (this.running) await endsWithin(this.running, STOP_TIMEOUT_MS);
    await this.session?.close();
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      try {
        this.session = await RelaySession.open(this.options.databaseUrl, () => this.work.wake());
        await this.serve(this.session);
      } catch (error) {
        if (!this.stopping)
          this.options.log.warn({ ...safeErrorFields(error) }, 'outbox relay lost its database connection');
      } finally {
        this.leading = false;
        await this.session?.close();
      }
      if (!this.stopping) await this.end.wait(this.withJitter(RETRY_DELAY_MS));
    }
  }

  private async serve(session: RelaySession): Promise<void> {
    while (!(await session.lead())) {
      await this.work.wait(this.withJitter(TAKE_OVER_MS));
      if (this.stopping) return;
    }
    this.leading = true;
    this.lookedAt = Infinity;
    this.options.log.info({}, 'outbox relay is active');
    let size = CLAIM_SIZE;
    let next: Promise<ClaimedEvent[]> | undefined;
    while (!this.stopping) {
      const events = await (next ?? this.claim(session, size));
      const more = events.length === size;
      // While one batch is published, the database prepares the next.
      next = more && size === CLAIM_SIZE && !this.stopping ? this.claim(session, CLAIM_SIZE) : undefined;
      const published = await this.publish(session, events);
      // An unavailable broker is tried with single events, instead of claiming and returning a thousand in vain.
      if (events.length > 0) size = published ? CLAIM_SIZE : 1;
      if (next && (!published || this.stopping)) {
        await session.postpone(await next, this.options.clock.now());
        next = undefined;
      }
      if (!published) await this.end.wait(this.withJitter(RETRY_DELAY_MS));
      else if (!more) await this.work.wait(POLL_MS);
    }
  }

  private claim(session: RelaySession, limit: number): Promise<ClaimedEvent[]> {
    const claim = this.claimNow(session, limit);
    // Awaited only after the previous publication; until then a failure would count as unhandled.
    claim.catch(() => undefined);
    return claim;
  }

  private async claimNow(session: RelaySession, limit: number): Promise<ClaimedEvent[]> {
    const now = this.options.clock.now();
    const wentBack = now.getTime() < this.lookedAt;
    this.lookedAt = now.getTime();
    if (wentBack)
      await session.recover(
        now,
        REPUBLISH_DELAYS_MS.map((delay) => delay * LONGEST_JITTER),
      );
    const delays = REPUBLISH_DELAYS_MS.map((delay) => this.withJitter(delay));
    return session.claim(now, delays, limit);
  }

  /** @returns false if there were events and the broker confirmed none of them */
  private async publish(session: RelaySession, events: readonly ClaimedEvent[]): Promise<boolean> {
    if (events.length === 0) return true;
    const { publisher } = this.options;
    const results = await failpoint('relay.publish', () => publisher.publishAll(USERS, events.map(toMessage)));
    const failed = events.filter((_, index) => typeof results[index] === 'object');
    const failure = results.find((result) => typeof result === 'object');
    await session.remove(events.filter((event, index) => !event.awaited && typeof results[index] === 'string'));
    if (failure) {
      this.options.log.warn({ events: failed.length, code: failure.error }, 'broker did not confirm events');
      await session.postpone(failed, new Date(this.options.clock.millis() + UNCONFIRMED_DELAY_MS));
    }
    return failed.length < events.length;
  }

  private withJitter(milliseconds: number): number {
    return milliseconds * (0.8 + 0.4 * this.options.ids.fraction());
  }
}

const toMessage = ({ id, round, attempts, subject, event }: ClaimedEvent) => ({
  subject,
  id: `${id}.${round}.${attempts}`,
  data: event,
  headers: traceOf(event),
});

/** Finds the trace of a serialised event. A quotation mark inside a text value would be escaped, so it cannot match. */
const TRACE = /"traceparent":"([0-9a-f-]{55})"/;

function traceOf(event: string): MessageToPublish['headers'] {
  const trace = TRACE.exec(event)?.[1];
  return trace ? { traceparent: trace } : undefined;
}
