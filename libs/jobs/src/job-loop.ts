import { asBackground } from '#libs/database';
import { runInContext, safeErrorFields, type WorkContext } from '#libs/observability';
import type { RawBuilder } from 'kysely';
import { classifyError, type ErrorClass } from './classify-error.js';
import { isDue, isPast, type DueRow } from './due.js';
import { Loop, type LoopOptions } from './loop.js';
import { retryDelay, type RetryPolicy } from './retry-delay.js';
import { TimeoutError, withTimeout } from './timeout.js';

export interface JobOptions extends LoopOptions {
  /** Milliseconds for which a claim reserves an item. After a crash the item waits that long. */
  leaseMs?: number;
  /** Milliseconds after which a run counts as failed. Default: unlimited. */
  timeoutMs?: number;
  /** When a failed item is retried. Default: the delays that all workers share. */
  retry?: RetryPolicy;
}

/** Runs jobs, each of one item or a batch, and handles their failures. */
export abstract class JobLoop<Job, Options extends JobOptions = JobOptions> extends Loop<Options> {
  protected readonly running = new Map<Promise<void>, AbortController>();

  /**
   * Runs a job.
   * @param signal aborts when the run has timed out or the process is shutting down; the rest is left to a later run
   */
  protected abstract run(job: Job, signal: AbortSignal): Promise<void>;

  /**
   * Records that a run has failed. By default the job is claimed again when its lease expires.
   * @returns when the job will be retried, or undefined if it will not be
   */
  protected async failed(_job: Job, _failure: ErrorClass, error: unknown): Promise<Date | undefined> {
    if (this.settings.leaseMs === undefined) throw error;
    return this.leaseUntil();
  }

  /** Extends the lease. If it is defined, it is called three times per lease while the job runs. */
  protected renew?(job: Job): Promise<unknown>;

  /** The facts about a job for log lines: ids and counts. */
  protected about(_job: Job): object {
    return {};
  }

  /** The context of a job for logs and traces. */
  protected contextOf(_job: Job): WorkContext {
    return {};
  }

  protected leaseUntil(): Date {
    return new Date(this.clock.millis() + this.settings.leaseMs!);
  }

  /** SQL condition: a row that this worker claims and reschedules is due, whatever clock it was rescheduled by. */
  protected isDue(columns: Pick<DueRow, 'dueAt' | 'attempts'> = {}): RawBuilder<unknown> {
    const { leaseMs, retry } = this.settings;
    return isDue(this.clock.now(), { ...columns, leaseMs, retry });
  }

  /** The same for rows that do not count their attempts, or keep the lease in a column of its own. */
  protected isPast(column: string): RawBuilder<unknown> {
    const { leaseMs = 0, retry } = this.settings;
    const { delaysMs, jitter = 0 } = retry ?? { delaysMs: [] };
    return isPast(this.clock.now(), column, Math.max(leaseMs, ...delaysMs.map((delay) => delay * (1 + jitter))));
  }

  /** @param retryCount number of attempts before the failed one */
  protected retryAt(retryCount: number): Date | undefined {
    const delay = retryDelay(retryCount, this.settings.retry, this.context.ids.fraction());
    return delay === undefined ? undefined : new Date(this.clock.millis() + delay);
  }

  /** Starts a job. The promise resolves when the job has ended, whether it succeeded or failed. */
  protected start(job: Job): Promise<void> {
    const controller = new AbortController();
    if (this.stopping) controller.abort();
    // A call may start a job and wait for it.
    const execute = () => asBackground(() => this.execute(job, controller));
    const work = runInContext(this.contextOf(job), execute).finally(() => this.running.delete(work));
    this.running.set(work, controller);
    return work;
  }

  protected override async idle(): Promise<void> {
    await Promise.all(this.running.keys());
  }

  protected override interrupt(): void {
    for (const controller of this.running.values()) controller.abort();
  }

  private async execute(job: Job, controller: AbortController): Promise<void> {
    const { name, timeoutMs } = this.settings;
    const stopTimer = this.context.seconds.startTimer({ worker: name });
    const renewal = this.renew && setInterval(() => this.renewLease(job), this.settings.leaseMs! / 3);
    try {
      const run = this.run(job, controller.signal);
      await (timeoutMs === undefined ? run : withTimeout(run, timeoutMs, name));
      stopTimer({ outcome: 'done' });
    } catch (error) {
      if (error instanceof TimeoutError) controller.abort(error);
      stopTimer({ outcome: await this.fail(job, error) });
    } finally {
      clearInterval(renewal);
    }
  }

  private renewLease(job: Job): void {
    this.renew!(job).catch((error: unknown) => {
      this.countError('renew');
      this.log.warn(this.factsOf(job, error), 'a lease was not renewed');
    });
  }

  private async fail(job: Job, error: unknown): Promise<ErrorClass['kind']> {
    const failure = classifyError(error);
    let retryAt: Date | undefined;
    try {
      retryAt = await this.failed(job, failure, error);
      if (retryAt) this.wakeAt(retryAt);
    } catch (fault) {
      this.countError('reschedule');
      this.failNextLook(fault);
    }
    this.log.warn({ ...this.factsOf(job, error), code: failure.code, retryAt: retryAt ?? null }, 'a job failed');
    return failure.kind;
  }

  private factsOf(job: Job, error: unknown): object {
    return { worker: this.settings.name, ...this.about(job), ...safeErrorFields(error) };
  }
}
