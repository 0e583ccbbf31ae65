import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { safeErrorFields } from '#libs/observability';
import { isTransient } from './classify-error.js';
import { retryDelay } from './retry-delay.js';
import { endsWithin } from './timeout.js';
import { WakeSignal } from './wake-signal.js';
import type { WorkerContext } from './worker-context.js';

export interface LoopOptions {
  /** Shown in logs and metrics. */
  name: string;
  /** Milliseconds between two looks when nothing is due and nobody wakes the worker; 1,000 by default. */
  pollMs?: number;
  /** Milliseconds until the next look after one that failed, by the failures in a row; 2,000 by default. */
  errorDelaysMs?: readonly number[];
}

const POLL_MS = 1_000;
const ERROR_DELAYS_MS = [2_000];

/** Looks for work again and again: at once while there is more, else when it is woken or the poll interval is over. */
export abstract class Loop<Options extends LoopOptions = LoopOptions>
  implements OnApplicationBootstrap, BeforeApplicationShutdown
{
  /** Milliseconds that a shutdown waits for the work at hand. The process ends after five seconds. */
  protected shutdownTimeoutMs = 4_000;
  private readonly wakeSignal = new WakeSignal();
  private readonly stop = new AbortController();
  private looking: Promise<void> = Promise.resolve();
  private fault?: { error: unknown };

  constructor(
    protected readonly context: WorkerContext,
    protected readonly settings: Options,
  ) {}

  /** Does what is due. True when there may be more. */
  protected abstract look(): Promise<boolean>;

  onApplicationBootstrap(): void | Promise<void> {
    this.looking = this.keepLooking();
  }

  /** Begins nothing new, and waits for the work at hand. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    this.wakeSignal.wake();
    const ended = this.looking.then(() => this.idle());
    this.interrupt();
    if (!(await endsWithin(ended, this.shutdownTimeoutMs)))
      this.log.warn({ worker: this.settings.name }, 'a worker was stopped before its work had ended');
  }

  /** Looks now: something may have become due. During a look it causes another one right after it. */
  wake(): void {
    this.wakeSignal.wake();
  }

  /** Whether a shutdown has begun. */
  get stopping(): boolean {
    return this.stop.signal.aborted;
  }

  /** Works until nothing is left that can be done now. */
  async drain(): Promise<void> {
    do await this.idle();
    while (await this.lookWhenReady());
  }

  protected get log() {
    return this.context.log;
  }

  protected get clock() {
    return this.context.clock;
  }

  /** Sleeps, but not beyond a shutdown. */
  protected async pause(milliseconds: number): Promise<void> {
    // Only a shutdown interrupts it.
    await pause(milliseconds, undefined, { signal: this.stop.signal }).catch(() => undefined);
  }

  /** Resolves when there is room for more work. */
  protected async room(): Promise<void> {}

  /** Resolves when nothing is at work. */
  protected async idle(): Promise<void> {}

  /** Tells what is at work that the process is about to end. */
  protected interrupt(): void {}

  /** Has the next look fail: for an error after which looking again at once would find the same. */
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
        if (!more && !this.stopping) await this.wakeSignal.wait(this.settings.pollMs ?? POLL_MS);
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

  /** A wake-up does not shorten it: with a broken database it would only look in vain. */
  private async backOff(error: unknown, failures: number): Promise<void> {
    // Connections that a shutdown closes are no news.
    if (this.stopping) return;
    const { name, errorDelaysMs: delaysMs = ERROR_DELAYS_MS } = this.settings;
    const delay = retryDelay(failures, { delaysMs, retryLimit: Infinity })!;
    const facts = { worker: name, attempts: failures + 1, retryInMs: delay, ...safeErrorFields(error) };
    this.log[isTransient(error) ? 'warn' : 'error'](facts, 'a step failed and will be tried again');
    this.countError('look');
    await this.pause(delay);
  }
}
