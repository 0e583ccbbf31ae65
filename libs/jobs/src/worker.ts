import { safeErrorFields } from '#libs/observability';
import { classifyError } from './classify-error.js';
import { JobLoop, type JobOptions } from './job-loop.js';
import { Loop } from './loop.js';

export interface WorkerOptions extends JobOptions {
  /** Items in one claim; 1 by default. */
  batchSize?: number;
  /** Items at work at the same time; as many as in one claim by default. */
  concurrency?: number;
}

/**
 * Works off items that wait in the database. Any number of replicas may run the same worker: a claim takes items with
 * `skip locked` and holds them by a lease, so that another replica takes over what one died with. A worker whose `run`
 * locks the item itself, and does nothing when it is too late, needs no lease.
 */
export abstract class Worker<Item> extends JobLoop<Item, WorkerOptions> {
  private claiming: Promise<unknown> = Promise.resolve();

  /** Takes at most so many items that are due. It is asked again at once, until nothing is due. */
  protected abstract claim(limit: number): Promise<readonly Item[]>;

  protected override async look(): Promise<boolean> {
    return (await this.take((limit) => this.claim(limit))) > 0;
  }

  /**
   * Claims and starts items. One claim at a time, so that never more items run than may.
   * @returns how many; 0 where there is no room
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
    // The caller gets the error; the next claim does not depend on it.
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

/** The same for items that are worked off together: `run` gets all that were claimed at once. */
export abstract class BatchWorker<Item> extends JobLoop<readonly Item[], JobOptions & { batchSize: number }> {
  /** Takes at most so many items that are due. Fewer mean that no others are. */
  protected abstract claim(limit: number): Promise<readonly Item[]>;

  protected override async look(): Promise<boolean> {
    const { batchSize } = this.settings;
    const items = await this.claim(batchSize);
    if (items.length > 0) await this.start(items);
    return items.length === batchSize;
  }
}

/** A worker that claims and works in one transaction, under row locks with `skip locked`, or only looks after something. */
export abstract class StepWorker extends Loop {
  /** Does one piece of work. True when there may be more. */
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
