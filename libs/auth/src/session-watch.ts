import { safeErrorFields, Metrics } from '#libs/observability';
import { CALL_SIGNATURE, CallVerifier, NATS, ServiceClient } from '#libs/broker';
import { SESSION_ENDS_SUBJECT, sessionSnapshot, type SessionEnds, type SessionEndsMessage } from '#libs/contracts';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { Inject, Injectable } from '@nestjs/common';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { SessionEpochs } from './session-epochs.js';
import { SessionView } from './session-view.js';

const CHECK_EVERY_MS = 500;
const SNAPSHOT_EVERY_MS = 10_000;
const ERROR_DELAYS_MS = [500, 1_000, 2_000];

/**
 * Keeps `SessionEpochs` current: identity publishes the ends of sessions, and a snapshot from identity covers what was
 * published before this process listened, or got lost.
 */
@Injectable()
export class SessionWatch extends StepWorker {
  private readonly view = new SessionView();
  private subscription?: Subscription;
  private since: string | null = null;
  private snapshotAt = -Infinity;
  private readonly delay: ReturnType<Metrics['histogram']>;

  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly services: ServiceClient,
    private readonly epochs: SessionEpochs,
    private readonly verifier: CallVerifier,
    context: WorkerContext,
    metrics: Metrics,
  ) {
    super(context, { name: 'session-watch', pollMs: CHECK_EVERY_MS, errorDelaysMs: ERROR_DELAYS_MS });
    this.delay = metrics.histogram(
      'leaver_session_end_delay_seconds',
      'Time from the end of a session in identity’s database until its announcement has arrived here.',
    );
  }

  /** Whether the ended sessions have been read once. Before that, no token can be judged. */
  get loaded(): boolean {
    return this.snapshotAt > -Infinity;
  }

  /** Whether every session that ended a second ago is known. */
  get fresh(): boolean {
    return this.view.isFresh(this.clock.monotonic());
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    this.subscription?.unsubscribe();
  }

  protected override async step(): Promise<boolean> {
    this.subscribe();
    const due = this.clock.monotonic() - this.snapshotAt >= SNAPSHOT_EVERY_MS;
    if (due || !this.fresh) await this.readSnapshot();
    return false;
  }

  /** The broker ends a subscription that it does not permit, for example before its configuration is reloaded. */
  private subscribe(): void {
    if (this.subscription && !this.subscription.isClosed()) return;
    this.subscription = this.nats.subscribe(SESSION_ENDS_SUBJECT, {
      callback: (error, message) => (error ? this.refused(error) : this.receive(message)),
    });
  }

  private refused(error: Error): void {
    this.log.warn(safeErrorFields(error), 'cannot listen for ended sessions');
    this.subscription = undefined;
  }

  private receive(message: Msg): void {
    const ends = this.isFromIdentity(message) ? parse(message) : undefined;
    if (!ends)
      return this.log.warn({ bytes: message.data.length }, 'a message about ended sessions is not from identity');
    this.apply(ends);
    const { position, endedAt } = ends;
    if (!position) return;
    const now = this.clock.monotonic();
    if (this.view.take(position, now)) this.wake();
    const ended = endedAt === undefined ? undefined : this.view.localTime(endedAt);
    // Never negative: the comparison of the clocks is accurate to the time of one call.
    if (ended !== undefined) this.delay.observe(Math.max(0, now - ended) / 1_000);
  }

  private isFromIdentity({ subject, data: packet, headers }: Msg): boolean {
    const signature = headers?.get(CALL_SIGNATURE) ?? '';
    const signed = this.verifier.verify(signature, { subject, packet, authorization: '' });
    return 'caller' in signed && signed.caller === 'identity';
  }

  private async readSnapshot(): Promise<void> {
    const now = this.clock.monotonic();
    const sync = this.view.beginSnapshot(now);
    let time: number | undefined;
    for (let more = true; more && !this.stopping;) {
      const snapshot = await this.services.ask(sessionSnapshot, { since: this.since });
      this.apply(snapshot);
      this.since = snapshot.at;
      time ??= snapshot.time;
      more = snapshot.more;
    }
    this.snapshotAt = now;
    sync(time);
  }

  private apply({ epochs, sessions }: SessionEnds): void {
    for (const { userId, epoch } of epochs) this.epochs.raise(userId, epoch);
    for (const sessionId of sessions) this.epochs.end(sessionId);
  }
}

/** @returns undefined if the message is not one of identity's */
function parse(message: Msg): SessionEndsMessage | undefined {
  try {
    const { epochs, sessions, position, endedAt } = message.json<SessionEndsMessage>();
    const wellFormed =
      epochs.every(({ userId, epoch }) => typeof userId === 'string' && Number.isSafeInteger(epoch)) &&
      sessions.every((id) => typeof id === 'string');
    return wellFormed ? { epochs, sessions, position, endedAt } : undefined;
  } catch {
    return undefined;
  }
}
