import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { safeErrorFields } from '#libs/observability';
import { isTransient } from './classify-error.js';
import { retryDelay } from './retry-delay.js';
import { endsWithin } from './timeout.js';
import { WakeSignal } from './wake-signal.js';
import type { WorkerContext } from './worker-context.js';

export interface LoopOptions {
  /** The name in logs and metrics. */
  name: string;
  /**
   * Milliseconds between two looks when nothing is due and the worker is not woken. Default: 2,000. Polls find what is due by
   * the clock, and what another replica has written or left.
   */
  pollMs?: number;
  /** Tables: the worker looks for work after a transaction of this process has written to one of them. */
  wokenBy?: readonly string[];
  /** Milliseconds until the next look after a failed one, by the number of failures in a row. Default: 2,000. */
  errorDelaysMs?: readonly number[];
}

const POLL_MS = 2_000;
const ERROR_DELAYS_MS = [2_000];

/**
 * Looks for work repeatedly: immediately while there is more, otherwise when it is woken or the poll interval has
 * passed.
 */
export abstract class Loop<Options extends LoopOptions = LoopOptions>
  implements OnApplicationBootstrap, BeforeApplicationShutdown
{
  /** Milliseconds for which a shutdown waits for running work. The process ends after five seconds. */
  protected shutdownTimeoutMs = 4_000;
  private readonly wakeSignal = new WakeSignal();
  private readonly stop = new AbortController();
  private looking: Promise<void> = Promise.resolve();
  private readonly alarms = new Set<NodeJS.Timeout>();
  private fault?: { error: unknown };

  constructor(
    protected readonly context: WorkerContext,
    protected readonly settings: Options,
  ) {
    context.register(settings.name, this);
    for (const table of settings.wokenBy ?? []) context.written.on(table, () => this.wake());
  }

  /** Does what is due. Returns true if there may be more. */
  protected abstract look(): Promise<boolean>;

  onApplicationBootstrap(): void | Promise<void> {
    this.looking = this.keepLooking();
  }

  /** Starts nothing new and waits for running work. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    for (const alarm of this.alarms) clearTimeout(alarm);
    this.wakeSignal.wake();
    const ended = this.looking.then(() => this.idle());
    this.interrupt();
    if (!(await endsWithin(ended, this.shutdownTimeoutMs)))
      this.log.warn({ worker: this.settings.name }, 'worker stopped before its work had finished');
  }

  /** Looks for work now. If called during a look, another look follows immediately. */
  wake(): void {
    this.wakeSignal.wake();
  }

  /** Looks for work at this time. A time after the next poll needs no look of its own. */
  wakeAt(time: Date): void {
    const delay = time.getTime() - this.clock.millis();
    if (delay >= this.pollMs || this.stopping) return;
    const alarm = setTimeout(
      () => {
        this.alarms.delete(alarm);
        this.wake();
      },
      // A timer may end a millisecond early, and the look would find nothing.
      Math.max(delay, 0) + 1,
    );
    this.alarms.add(alarm);
  }

  /** Whether a shutdown has begun. */
  get stopping(): boolean {
    return this.stop.signal.aborted;
  }

  /** Works until nothing more can be done now. */
  async drain(): Promise<void> {
    do await this.idle();
    while (await this.lookWhenReady());
    // The loop may have claimed meanwhile what was left.
    await this.idle();
  }

  private get pollMs(): number {
    return this.settings.pollMs ?? POLL_MS;
  }

  protected get log() {
    return this.context.log;
  }

  protected get clock() {
    return this.context.clock;
  }

  /** Sleeps, at most until a shutdown. */
  protected async pause(milliseconds: number): Promise<void> {
    // Rejects only when a shutdown interrupts it.
    await pause(milliseconds, undefined, { signal: this.stop.signal }).catch(() => undefined);
  }

  /** Resolves when there is capacity for more work. */
  protected async room(): Promise<void> {}

  /** Resolves when no work is running. */
  protected async idle(): Promise<void> {}

  /** Tells running work that the process is shutting down. */
  protected interrupt(): void {}

  /** Makes the next look fail, for errors that an immediate look would hit again. */
  protected failNextLook(error: unknown): void {
    this.fault = { error };
  }

  protected countError(operation: 'look' | 'renew' | 'reschedule'): void {
    this.context.errors.inc({ worker: this.settings.name, operation });
  }

  private async keepLooking(): Promise<void> {
    let failures = 0;
    while (!this.stopping) {
      try {
        const more = await this.lookWhenReady();
        failures = 0;
        if (!more && !this.stopping) await this.wakeSignal.wait(this.pollMs);
      } catch (error) {
        await this.backOff(error, failures++);
      }
    }
  }

  private async lookWhenReady(): Promise<boolean> {
    await this.room();
    const { fault } = this;
    this.fault = undefined;
    if (fault) throw fault.error;
    this.wakeSignal.reset();
    return this.look();
  }

  /**
   * Waits after a failed look. A wake-up does not shorten the wait, because with a broken database another look would
   * fail too.
   */
  private async backOff(error: unknown, failures: number): Promise<void> {
    // Errors from connections that a shutdown closes are not logged.
    if (this.stopping) return;
    const { name, errorDelaysMs: delaysMs = ERROR_DELAYS_MS } = this.settings;
    const delay = retryDelay(failures, { delaysMs, retryLimit: Infinity })!;
    const facts = { worker: name, attempts: failures + 1, retryInMs: delay, ...safeErrorFields(error) };
    this.log[isTransient(error) ? 'warn' : 'error'](facts, 'look failed and will be retried');
    this.countError('look');
    await this.pause(delay);
  }
}
