import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { faultOf, Log, Outbox, Publisher, Relay } from '#libs/broker';
import { Clock, DATABASE_URL, Ids } from '#libs/database';
import { Metrics } from '#libs/platform';

const MEASURE_EVERY = 5_000;

/** Runs the relay of this process, and shows how far it is behind. */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly relay: Relay;
  private readonly waiting;
  private readonly oldest;
  private timer?: NodeJS.Timeout;

  constructor(
    @Inject(DATABASE_URL) databaseUrl: string,
    publisher: Publisher,
    clock: Clock,
    ids: Ids,
    metrics: Metrics,
    private readonly outbox: Outbox,
    private readonly log: Log,
  ) {
    this.relay = new Relay({ databaseUrl, publisher, clock, ids, log });
    this.waiting = metrics.gauge('leaver_outbox_waiting', 'Events that some service has not answered.');
    this.oldest = metrics.gauge('leaver_outbox_oldest_seconds', 'Age of the oldest event that waits.');
  }

  onApplicationBootstrap(): void {
    this.relay.start();
    this.timer = setInterval(() => void this.measure(), MEASURE_EVERY).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.relay.stop();
  }

  /** Looks for due events now. Needed only where the clock is moved by hand. */
  wake(): void {
    this.relay.wake();
  }

  private async measure(): Promise<void> {
    try {
      const { waiting, oldestSeconds } = await this.outbox.backlog();
      this.waiting.set(waiting);
      this.oldest.set(oldestSeconds);
    } catch (error) {
      this.log.warn(faultOf(error), 'the backlog could not be measured');
    }
  }
}
