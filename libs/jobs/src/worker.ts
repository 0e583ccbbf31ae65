import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { safeErrorFields, type Log } from '#libs/observability';

const POLL = 1_000;
const AFTER_FAILURE = 2_000;

/**
 * Works off what waits in the database: one step after the other while there is something to do, else a look every
 * second. Any number of replicas may run the same worker; they share the rows by `skip locked`.
 */
export abstract class Worker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private stopped = false;
  private running: Promise<void> = Promise.resolve();
  private interrupt: () => void = () => {};

  constructor(protected readonly log: Log) {}

  /** Does one piece of work. True when there may be more. */
  protected abstract step(): Promise<boolean>;

  onApplicationBootstrap(): void {
    this.running = this.loop();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.interrupt();
    await this.running;
  }

  /** Looks now: something may have become due. */
  wake(): void {
    this.interrupt();
  }

  /** Works until nothing is left that can be done now. */
  async drain(): Promise<void> {
    while (await this.step());
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      const pause = await this.step().then(
        (more) => (more ? 0 : POLL),
        (error: unknown) => {
          this.log.error(
            { worker: this.constructor.name, ...safeErrorFields(error) },
            'a step failed and will be tried again',
          );
          return AFTER_FAILURE;
        },
      );
      if (pause > 0 && !this.stopped) await this.sleep(pause);
    }
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
