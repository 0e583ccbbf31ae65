import { safeErrorFields } from '#libs/observability';
import { classifyError } from './classify-error.js';
import { JobLoop, type JobOptions } from './job-loop.js';
import { Loop } from './loop.js';

export interface WorkerOptions extends JobOptions {
  /** Items per claim. Default: 1. */
  batchSize?: number;
  /** Items that run at the same time. Default: the batch size. */
  concurrency?: number;
}

/**
 * Processes items that wait in the database. Any number of replicas may run the same worker: a claim takes items with
 * `skip locked` and reserves them with a lease, so that another replica takes over the items of a crashed one. A worker
 * whose `run` locks the item itself, and does nothing if the item is already done, needs no lease.
 */
export abstract class Worker<Item> extends JobLoop<Item, WorkerOptions> {
  private claiming: Promise<unknown> = Promise.resolve();

  /** Claims at most `limit` due items. It is called again immediately until it returns none. */
  protected abstract claim(limit: number): Promise<readonly Item[]>;

  protected override async look(): Promise<boolean> {
    return (await this.take((limit) => this.claim(limit))) > 0;
  }

  /**
   * Claims and starts items. Claims run one after another, so that the concurrency is never exceeded.
   * @returns the number of items; 0 if there is no capacity
   */
  protected take(claim: (limit: number) => Promise<readonly Item[]>): Promise<number> {
    const taken = this.claiming.then(async () => {
      const limit = Math.min(this.batchSize, this.concurrency - this.running.size);
      if (limit <= 0 || this.stopping) return 0;
      const items = await claim(limit);
      for (const item of items)
        this.start(item).then(
          () => this.running.size === 0 && this.wake(),
          (error: unknown) => this.log.error({ ...this.about(item), ...safeErrorFields(error) }, 'a job did not end'),
        );
      return items.length;
    });
    // The caller gets the error; the next claim is independent of it.
    this.claiming = taken.catch(() => undefined);
    return taken;
  }

  protected override async room(): Promise<void> {
    while (!this.stopping && this.running.size > this.concurrency - this.batchSize)
      await Promise.race(this.running.keys());
  }

  protected override async idle(): Promise<void> {
    await this.claiming;
    await super.idle();
  }

  private get batchSize(): number {
    return this.settings.batchSize ?? 1;
  }

  private get concurrency(): number {
    return this.settings.concurrency ?? this.batchSize;
  }
}

/** A worker whose items are processed together: `run` gets all items of one claim. */
export abstract class BatchWorker<Item> extends JobLoop<readonly Item[], JobOptions & { batchSize: number }> {
  /** Claims at most `limit` due items. Fewer mean that no others are due. */
  protected abstract claim(limit: number): Promise<readonly Item[]>;

  protected override async look(): Promise<boolean> {
    const { batchSize } = this.settings;
    const items = await this.claim(batchSize);
    if (items.length > 0) await this.start(items);
    return items.length === batchSize;
  }
}

/** A worker that claims and works in one transaction, under row locks with `skip locked`, or that watches something. */
export abstract class StepWorker extends Loop {
  /** Does one piece of work. Returns true if there may be more. */
  protected abstract step(): Promise<boolean>;

  protected override async look(): Promise<boolean> {
    const stopTimer = this.context.seconds.startTimer({ worker: this.settings.name });
    try {
      const more = await this.step();
      stopTimer({ outcome: 'done' });
      return more;
    } catch (error) {
      stopTimer({ outcome: classifyError(error).kind });
      throw error;
    }
  }
}
